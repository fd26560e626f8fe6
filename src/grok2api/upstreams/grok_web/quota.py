"""Asking grok.com what is left of a mode of an account. Thin: the wire builds and reads."""

from collections.abc import Callable

from grok2api.canonical.problem import Refusal
from grok2api.catalog import MODES
from grok2api.upstreams.base import Credential, Http, Told
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.quota_wire import quota_call, read_quota
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.refusals import classify

_BYTES = 65_536


class GrokWebQuota:
    """Tells quotas of grok.com's modes. `new_id` makes a new UUID."""

    name = WHAT

    def __init__(self, http: Http, options: Callable[[], WebOptions], new_id: Callable[[], str]) -> None:
        self._http = http
        self._options = options
        self._new_id = new_id

    async def ask(self, credential: Credential, mode: str) -> Told:
        """What is left of `mode`. Raises `Refusal` and `TransportError`."""
        async with self._http.send(quota_call(MODES[mode], credential, self._options(), self._new_id())) as answer:
            body = await answer.head(_BYTES)
            if answer.status != 200:
                raise Refusal(classify(answer.status, answer.headers, body, what=WHAT))
        return read_quota(body)
