"""What is decided before an account is touched."""

import msgspec
import pytest
from gateway_fakes import FakePool, FakeUpstream, NoFiles, request, watch

from grok2api.aliases import Aliases
from grok2api.catalog import Surface
from grok2api.gateway.exchange import Gateway
from grok2api.gateway.options import Options
from grok2api.patterns import Patterns

TAGS = {"grok-4.20-heavy": "research", "grok-4.20-*": "crowd", "gpt-best": "paid", "*-console": "console"}


def gateway(**options: object) -> Gateway:
    upstreams = {Surface.WEB_CHAT: FakeUpstream(), Surface.CONSOLE_CHAT: FakeUpstream()}
    chosen = Options(**options)  # type: ignore[arg-type]
    return Gateway(FakePool(), upstreams, lambda: chosen, len, lambda prefix: f"{prefix}1", watch(), NoFiles())


@pytest.mark.parametrize(
    ("model", "tag"),
    [
        ("grok-4.20-heavy", "research"),
        ("grok-4.20-fast", "crowd"),
        ("grok-4.3-fast", None),
        ("grok-4.3-console", "console"),
        ("gpt-best", "paid"),
        ("gpt-other", "crowd"),
    ],
)
def test_a_tag_is_preferred_by_the_exact_name_then_by_pattern_of_the_asked_and_then_of_the_served_model(
    model: str, tag: str | None
) -> None:
    served = gateway(prefer_tags=Patterns(TAGS), aliases=Aliases({"gpt-*": "grok-4.20-fast"}))
    exchange = served.prepare(msgspec.structs.replace(request(), model=model), "req_1", estimate=False)
    assert exchange.work.need.prefer == tag
