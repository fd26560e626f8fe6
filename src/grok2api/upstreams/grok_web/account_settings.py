"""An account's settings upstream: sends the calls of the wire and says what came of them.

Async, and thin. A refusal carries the upstream's own reason, because only the operator can act on it.
"""

import asyncio
from collections.abc import Callable

import msgspec

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, Http, HttpAnswer, HttpCall, TransportError
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.settings_wire import nsfw_call, terms_call
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.grpc_web import MAX_BODY, refusal

_ACCOUNTS = "accounts.x.ai"


class AccountSettings:
    """Changes settings of accounts at grok.com. `new_id` makes a new UUID."""

    def __init__(self, http: Http, options: Callable[[], WebOptions], new_id: Callable[[], str]) -> None:
        self._http = http
        self._options = options
        self._new_id = new_id

    async def accept_terms(self, credential: Credential) -> None:
        """Accept the terms of service for the account. Raises `Refusal`."""
        options = self._options()
        await self._ask(terms_call(credential, options, self._new_id()), credential, options, _ACCOUNTS)

    async def nsfw(self, credential: Credential, enabled: bool) -> None:
        """Turn adult content on, which needs the terms accepted, or off. Raises `Refusal`."""
        if enabled:
            await self.accept_terms(credential)
        options = self._options()
        call = nsfw_call(credential, options, self._new_id(), enabled=enabled)
        await self._ask(call, credential, options, WHAT)

    async def _ask(self, call: HttpCall, credential: Credential, options: WebOptions, what: str) -> None:
        try:
            async with asyncio.timeout(options.settings_timeout), self._http.send(call) as answer:
                problem = refusal(answer.status, answer.headers, await _body(answer), what=what)
        except TransportError as error:
            raise Refusal(error.problem) from None
        except TimeoutError:
            message = f"{what} did not answer within {options.settings_timeout:g} s"
            raise Refusal(Problem(kind=Kind.TIMEOUT, message=message)) from None
        if problem is not None:
            said = problem.message.replace(credential.secret, "…")
            raise Refusal(msgspec.structs.replace(problem, message=said))


async def _body(answer: HttpAnswer) -> bytes:
    """The body. Of a 200 all of it, because one that breaks off says nothing of success. Raises `TransportError`."""
    if answer.status != 200:
        return await answer.head()
    body = b""
    async for data in answer.chunks():
        body += data
        if len(body) > MAX_BODY:
            break
    return body
