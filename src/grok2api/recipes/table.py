"""The table of clients: one recipe each. Pure data; a client is added by a row in `agents`, `chats` or `programs`."""

from collections.abc import Mapping

from grok2api.recipes.agents import AGENTS
from grok2api.recipes.chats import CHATS
from grok2api.recipes.programs import PROGRAMS
from grok2api.recipes.recipe import Recipe

#: Group by group, as the index of the pages and `grok2api connect` list them.
GROUPS: Mapping[str, tuple[Recipe, ...]] = {
    "Agents that write code": AGENTS,
    "Chat programs and relays": CHATS,
    "Programs of your own": PROGRAMS,
}

RECIPES: tuple[Recipe, ...] = tuple(recipe for group in GROUPS.values() for recipe in group)

BY_NAME: Mapping[str, Recipe] = {recipe.name: recipe for recipe in RECIPES}

#: Names that are understood as well: of the programs.
BY_PROGRAM: Mapping[str, Recipe] = {recipe.program: recipe for recipe in RECIPES if recipe.program}


def find(name: str) -> Recipe | None:
    """The recipe of that name or program."""
    return BY_NAME.get(name) or BY_PROGRAM.get(name)
