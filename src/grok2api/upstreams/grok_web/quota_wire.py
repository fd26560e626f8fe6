"""The grok.com quota wire: a question about one mode, and the count that answers it.

Pure. The upstream tells no reset time, only the length of the window. Older answers that count tokens, and answers
without a count, cannot be used: they are refused with their bytes, and nothing is concluded from them.
"""

import msgspec

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, HttpCall, Told
from grok2api.upstreams.grok_web.call import rest_headers
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.reading import count, decode_any
from grok2api.upstreams.refusals import classify, classify_error

_PATH = "/rest/rate-limits"


def quota_call(mode: str, credential: Credential, options: WebOptions, call_id: str) -> HttpCall:
    """The question; `mode` is the wire's `modeId`. Raises `Refusal` for a broken session."""
    return HttpCall(
        method="POST",
        url=options.base_url + _PATH,
        headers=rest_headers(credential, options, call_id) | {"Content-Type": "application/json"},
        body=msgspec.json.encode({"modelName": mode}),
        account=credential.account_id,
    )


def read_quota(body: bytes) -> Told:
    """The count in an answer with status 200. Raises `Refusal`."""
    value = decode_any(body)
    if not isinstance(value, dict):
        raise Refusal(classify(200, {}, body, what=WHAT))
    if value.get("error"):
        raise Refusal(classify_error(value, what=WHAT))
    remaining, total = count(value.get("remainingQueries")), count(value.get("totalQueries"))
    window = count(value.get("windowSizeSeconds"))
    if remaining is None or not window:
        message = f"{WHAT} told a quota in a way that this version does not understand"
        raise Refusal(Problem(kind=Kind.UPSTREAM, message=message, upstream_status=200, evidence=body[:400]))
    return Told(remaining, remaining if total is None else max(total, remaining), window)
