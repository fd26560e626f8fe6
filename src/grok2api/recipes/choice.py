"""Which models a client is given, of those that the gateway serves now. Pure; the orders are tables.

Agents get a model of console.x.ai first, because those call tools natively; those of grok.com do it by instruction.
"""

from collections.abc import Collection, Mapping, Sequence

from grok2api.catalog import BY_NAME
from grok2api.recipes.recipe import Purpose

#: The models of each purpose, the best first, and after them those for small work: titles, summaries, look-ups.
PREFERRED: Mapping[Purpose, Sequence[str]] = {
    Purpose.AGENT: (
        "grok-4.3-console",
        "grok-4.20-0309-console",
        "grok-build-console",
        "grok-4.20-auto",
        "grok-4.20-fast",
    ),
    Purpose.CHAT: ("grok-4.20-auto", "grok-4.20-fast", "grok-4.3-console"),
}
SMALL: Mapping[Purpose, Sequence[str]] = {
    Purpose.AGENT: ("grok-4.3-low", "grok-4.20-0309-non-reasoning-console", "grok-4.20-fast"),
    Purpose.CHAT: ("grok-4.20-fast", "grok-4.3-low"),
}


def chosen(purpose: Purpose, served: Collection[str], wanted: str = "") -> tuple[str, str]:
    """The model and the one for small work. `wanted` is taken as it is.

    Where nothing that talks is known to be served, they are the first of each order.
    """
    talking = [name for name in served if talks(name)]
    model = wanted or _first(PREFERRED[purpose], talking)
    return model, _first(SMALL[purpose], talking, model)


def talks(name: str) -> bool:
    """Whether a served model is for conversations; one that the catalog does not know is taken to be."""
    model = BY_NAME.get(name)
    return model is None or model.talks


def _first(order: Sequence[str], served: Sequence[str], otherwise: str = "") -> str:
    if not served:
        return order[0]
    return next((name for name in order if name in served), otherwise or served[0])
