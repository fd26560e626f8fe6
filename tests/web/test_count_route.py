"""Counting over HTTP, when something is wrong with the gateway itself."""

from typing import Any, cast

import msgspec
import pytest
from structlog.testing import capture_logs

from grok2api.canonical.request import Request
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.gateway.exchange import Gateway
from grok2api.media.budget import Budget
from grok2api.storage.errors import StoreError
from grok2api.web.count import CountRoute
from grok2api.web.options import WebOptions

BODY = b'{"model": "grok-4.3-fast", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}'


class Counting:
    """A gateway that counts, or makes a mistake."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    async def input_tokens(self, _: Request, __: str) -> int:
        if self.error is not None:
            raise self.error
        return 7


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (None, 200, None),
        (RuntimeError("the tokenizer is broken"), 500, "api_error"),
        (StoreError("away"), 503, "overloaded_error"),
    ],
)
async def test_what_goes_wrong_here_has_the_envelope_of_the_client(
    error: Exception | None, status: int, kind: str | None
) -> None:
    budget = Budget(lambda: 1 << 30)
    route = CountRoute(MESSAGES, cast("Gateway", Counting(error)), WebOptions, lambda prefix: f"{prefix}7", budget)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY}

    async def send(message: Any) -> None:
        sent.append(message)

    with capture_logs() as logs:
        await route({"method": "POST", "path": "/v1/messages/count_tokens", "headers": []}, receive, send)
    assert sent[0]["status"] == status
    assert budget.held == 0
    told = msgspec.json.decode(sent[1]["body"])
    assert told.get("error", {}).get("type") == kind
    assert [(line["event"], line["request_id"]) for line in logs] == [("bug", "req_7")] * (status == 500)
