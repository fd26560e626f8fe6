"""Asking the official API whether a key is well."""

from collections.abc import Callable

from grok2api.canonical.problem import Refusal
from grok2api.upstreams.base import Credential, Http
from grok2api.upstreams.refusals import classify
from grok2api.upstreams.xai_api.key_wire import WHAT, key_call, read_key
from grok2api.upstreams.xai_api.options import ApiOptions

_BYTES = 65_536


class ApiKeyHealth:
    """Tells no quota, but whether a key still works."""

    name = WHAT

    def __init__(self, http: Http, options: Callable[[], ApiOptions]) -> None:
        self._http = http
        self._options = options

    async def ask(self, credential: Credential, mode: str) -> None:
        """Nothing, when the key is well. Raises `Refusal` and `TransportError`."""
        async with self._http.send(key_call(credential, self._options())) as answer:
            body = await answer.head(_BYTES)
            if answer.status != 200:
                raise Refusal(classify(answer.status, answer.headers, body, what=WHAT))
        read_key(body)
