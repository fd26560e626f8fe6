"""The official API's word about a key: which key it is, and whether it or its team is blocked.

Pure. It tells no quota; limits of the official API come with its answers.
"""

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, HttpCall
from grok2api.upstreams.reading import decode_any
from grok2api.upstreams.refusals import classify
from grok2api.upstreams.xai_api.options import ApiOptions

WHAT = "The xAI API"

_PATH = "/v1/api-key"

# The first that is true says it.
_FLAGS = (
    ("team_blocked", Kind.BLOCKED, "has blocked the team of the key that was used"),
    ("api_key_blocked", Kind.BLOCKED, "has blocked the key that was used"),
    ("api_key_disabled", Kind.CREDENTIAL, "says that the key that was used is disabled"),
)


def key_call(credential: Credential, options: ApiOptions) -> HttpCall:
    """The call that asks about the key."""
    return HttpCall(
        method="GET",
        url=options.base_url.rstrip("/") + _PATH,
        headers={"Accept": "application/json", "Authorization": f"Bearer {credential.secret}"},
        account=credential.account_id,
    )


def read_key(body: bytes) -> None:
    """Nothing, if the answer with status 200 says that all is well. Raises `Refusal`."""
    value = decode_any(body)
    if not isinstance(value, dict) or not any(flag in value for flag, _, _ in _FLAGS):
        raise Refusal(classify(200, {}, body, what=WHAT))
    for flag, kind, says in _FLAGS:
        if value.get(flag) is True:
            raise Refusal(Problem(kind=kind, message=f"{WHAT} {says}", upstream_status=200, evidence=body[:400]))
