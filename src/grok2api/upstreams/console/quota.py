"""Asking console.x.ai what is left of an account's chats, authorized as answers are (`access`)."""

from collections.abc import Callable

from grok2api.canonical.problem import Problem, Refusal
from grok2api.upstreams.base import Credential, Http, Told
from grok2api.upstreams.console.access import WHAT, Access
from grok2api.upstreams.console.call import usage_call, usage_url
from grok2api.upstreams.console.options import ConsoleOptions
from grok2api.upstreams.console.usage_wire import read_usage
from grok2api.upstreams.refusals import classify

_BYTES = 65_536


class ConsoleQuota:
    """Tells the quota of the mode `console`. `access` is the one that answers are asked with."""

    name = WHAT

    def __init__(self, http: Http, access: Access, options: Callable[[], ConsoleOptions]) -> None:
        self._http = http
        self._access = access
        self._options = options

    async def ask(self, credential: Credential, mode: str) -> Told:
        """What is left of `mode`. Raises `Refusal` and `TransportError`."""
        options = self._options()
        may_renew = True
        while True:
            authorization = await self._access.authorize(credential, options, "GET", usage_url(options))
            if isinstance(authorization, Problem):
                raise Refusal(authorization)
            async with self._http.send(usage_call(credential, options, authorization)) as answer:
                self._access.read_clock(answer.headers)
                body = await answer.head(_BYTES)
                if answer.status == 200:
                    return read_usage(body, WHAT)
                problem = classify(answer.status, answer.headers, body, what=WHAT)
            if not self._access.mends(problem, credential.account_id, authorization, options, may_renew=may_renew):
                raise Refusal(problem)
            may_renew = "DPoP" not in authorization
