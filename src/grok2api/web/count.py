"""`POST /v1/messages/count_tokens`: our own count, without an account, a lease or an upstream (C4, C11)."""

import asyncio
from collections.abc import Callable

from grok2api.canonical.problem import Refusal
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.gateway.exchange import Gateway
from grok2api.media.budget import Budget, Share
from grok2api.web.asgi import Gone, Receive, Scope, Send, answer_whole, headers_of
from grok2api.web.auth import authenticate
from grok2api.web.body import read_body
from grok2api.web.options import MODEL_HEADER, WebOptions
from grok2api.web.problems import METHOD, retry_headers


class CountRoute:
    """The endpoint."""

    def __init__(
        self, gateway: Gateway, options: Callable[[], WebOptions], new_id: Callable[[str], str], budget: Budget
    ) -> None:
        self._gateway = gateway
        self._options = options
        self._new_id = new_id
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._new_id("req_")
        ids = [("x-request-id", request_id), ("request-id", request_id)]
        try:
            with self._budget.share() as share:
                body = await self._counted(scope, receive, share)
        except Refusal as refusal:
            status, body = MESSAGES.problem(refusal.problem)
            await answer_whole(send, status, body, [*ids, *retry_headers(status, refusal.problem)])
        except (Gone, asyncio.CancelledError):
            return
        else:
            await answer_whole(send, 200, body, ids)

    async def _counted(self, scope: Scope, receive: Receive, share: Share) -> bytes:
        if scope["method"] != "POST":
            raise Refusal(METHOD)
        headers, options = headers_of(scope), self._options()
        denied = authenticate(headers, options.keys)
        if denied is not None:
            raise Refusal(denied)
        request = MESSAGES.decode(await read_body(receive, headers, options.max_body, share), headers)
        exchange = self._gateway.prepare(request, "", estimate=True, instead=headers.get(MODEL_HEADER, ""))
        return MESSAGES.counted(await exchange.work.input_tokens())
