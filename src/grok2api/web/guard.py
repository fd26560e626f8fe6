"""Small routes behind the client keys: let in, counted, and what they raise turned into an answer."""

from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response

from grok2api.canonical.problem import Problem, Refusal
from grok2api.storage.errors import StoreError
from grok2api.web.asgi import Gone, Headers
from grok2api.web.auth import authenticate
from grok2api.web.options import State, WebOptions
from grok2api.web.problems import INTERNAL, STORE_AWAY
from grok2api.web.routes import Handler, problem_answer

_log = structlog.stdlib.get_logger(__name__)


class Guard:
    """Puts handlers behind the client keys."""

    def __init__(self, options: Callable[[], WebOptions], state: State) -> None:
        self._options = options
        self._state = state

    def __call__(self, handler: Handler) -> Handler:
        """The handler behind the client keys; what it raises becomes an answer."""

        async def guarded(request: Request) -> Response:
            self._state.enter()
            try:
                admit(dict(request.headers), self._options())
                return await handler(request)
            except Gone:
                return Response(status_code=400)
            except Exception as error:
                return problem_answer(problem_of(error, request.scope.get("grok2api.request_id", "")), request)
            finally:
                self._state.leave()

        return guarded


def admit(headers: Headers, options: WebOptions) -> None:
    """Raises `Refusal` for who has no key."""
    denied = authenticate(headers, options.keys)
    if denied is not None:
        raise Refusal(denied)


def problem_of(error: Exception, request_id: str) -> Problem:
    """What the client is told of an exception; the details of a mistake are for the log, under the request's id."""
    if isinstance(error, Refusal):
        return error.problem
    if isinstance(error, StoreError):
        return STORE_AWAY
    _log.error("bug", request_id=request_id, exc_info=error)
    return INTERNAL
