"""Our own count of a request's input tokens, without an account, a lease or an upstream (C4, C11).

`POST /v1/messages/count_tokens` and `POST /v1/responses/input_tokens`; the dialect says which.
"""

import asyncio
from collections.abc import Callable

from grok2api.canonical.problem import Refusal
from grok2api.dialects.base import Counting
from grok2api.gateway.exchange import Gateway
from grok2api.media.budget import Budget, Share
from grok2api.web.asgi import Gone, Receive, Scope, Send, answer_whole, headers_of
from grok2api.web.auth import authenticate
from grok2api.web.body import read_body
from grok2api.web.guard import problem_of
from grok2api.web.options import MODEL_HEADER, WebOptions
from grok2api.web.problems import retry_headers, wrong_method
from grok2api.web.stored import StoredAnswers


class CountRoute:
    """One dialect's endpoint."""

    def __init__(
        self,
        dialect: Counting,
        gateway: Gateway,
        options: Callable[[], WebOptions],
        new_id: Callable[[str], str],
        budget: Budget,
        stored: StoredAnswers | None = None,
    ) -> None:
        self._dialect = dialect
        self._gateway = gateway
        self._options = options
        self._new_id = new_id
        self._budget = budget
        self._stored = stored

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._new_id("req_")
        ids = [("x-request-id", request_id), ("request-id", request_id)]
        try:
            with self._budget.share() as share:
                body = await self._counted(scope, receive, share)
        except (Gone, asyncio.CancelledError):
            return
        except Exception as error:
            problem = problem_of(error, request_id)
            status, body = self._dialect.problem(problem, request_id)
            await answer_whole(send, status, body, [*ids, *retry_headers(status, problem)])
        else:
            await answer_whole(send, 200, body, ids)

    async def _counted(self, scope: Scope, receive: Receive, share: Share) -> bytes:
        headers, options = headers_of(scope), self._options()
        if scope["method"] != "POST":
            raise Refusal(wrong_method(headers))
        denied = authenticate(headers, options.keys)
        if denied is not None:
            raise Refusal(denied)
        body = await read_body(receive, headers, options.max_body, share)
        if self._stored is None:
            request = self._dialect.decode(body, headers)
        else:
            request = (await self._stored.read(body, headers, options, share)).request
        return self._dialect.counted(await self._gateway.input_tokens(request, headers.get(MODEL_HEADER, "")))
