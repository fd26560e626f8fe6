"""Which models a client is given."""

import pytest

from grok2api.catalog import BY_NAME, MODELS
from grok2api.recipes.choice import PREFERRED, SMALL, chosen, talks
from grok2api.recipes.recipe import Purpose

ALL = [model.name for model in MODELS]
PICTURES = [name for name in ALL if not talks(name)]


@pytest.mark.parametrize("purpose", Purpose)
def test_the_orders_name_models_that_talk(purpose):
    assert all(name in BY_NAME and talks(name) for name in (*PREFERRED[purpose], *SMALL[purpose]))


@pytest.mark.parametrize(
    ("purpose", "served", "wanted", "models"),
    [
        (Purpose.AGENT, ALL, "", ("grok-4.3-console", "grok-4.3-low")),
        (Purpose.CHAT, ALL, "", ("grok-4.20-auto", "grok-4.20-fast")),
        (Purpose.AGENT, ["grok-4.20-fast", "grok-4.20-auto"], "", ("grok-4.20-auto", "grok-4.20-fast")),
        (Purpose.AGENT, ["grok-4.3-beta"], "", ("grok-4.3-beta", "grok-4.3-beta")),
        (Purpose.AGENT, ["brand-new", *PICTURES], "", ("brand-new", "brand-new")),
        (Purpose.AGENT, ALL, "grok-4.20-heavy", ("grok-4.20-heavy", "grok-4.3-low")),
        (Purpose.AGENT, PICTURES, "mine", ("mine", "grok-4.3-low")),
        (Purpose.AGENT, [], "", ("grok-4.3-console", "grok-4.3-low")),
        (Purpose.AGENT, [], "mine", ("mine", "grok-4.3-low")),
        (Purpose.CHAT, PICTURES, "", ("grok-4.20-auto", "grok-4.20-fast")),
    ],
)
def test_the_best_of_what_is_served_is_chosen(purpose, served, wanted, models):
    assert chosen(purpose, served, wanted) == models
