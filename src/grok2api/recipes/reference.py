"""The pages below docs/clients, drawn from the table of clients: `python -m grok2api.recipes.reference`.

Pure. A test compares them with what is in `docs/`.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial

from grok2api.pages import NOTE, write
from grok2api.recipes.choice import PREFERRED, SMALL
from grok2api.recipes.recipe import KEY_VARIABLE, NO_KEY, PLACEHOLDER, Connection, Form, Recipe, rendered
from grok2api.recipes.table import GROUPS, RECIPES

_INDEX = f"""{NOTE}

# Clients

Every page here is printed by a command too, with the address and the key of your gateway, and with models that it
serves at that moment:

    grok2api connect              # the clients that there are
    grok2api connect codex        # what to type and which file to edit
    grok2api run claude           # or let it start the client: claude, codex, opencode

In the pages the gateway is at `http://127.0.0.1:8000` and the key is `{PLACEHOLDER}`: one of your `app.api_key`, or any
text (`{NO_KEY}`, say) while that is empty. Many clients read the key from the variable `{KEY_VARIABLE}`, so that no
file holds it. Models are examples; [models](../models.md) lists them all. A client that is not here works if it lets
you choose a base URL: `http://127.0.0.1:8000/v1` for OpenAI's APIs, `http://127.0.0.1:8000` for Anthropic's.
"""


def index() -> str:
    """The page with all clients."""
    parts = [_INDEX]
    for title, recipes in GROUPS.items():
        rows = [f"| [{one.title}]({one.name}.md) | {', '.join(one.speaks)} | `{one.name}` |" for one in recipes]
        parts.append("\n".join([f"## {title}", "", "| client | APIs | `connect` |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def page(recipe: Recipe) -> str:
    """The page of one client."""
    connection = Connection(model=PREFERRED[recipe.purpose][0], small_model=SMALL[recipe.purpose][0])
    parts = [NOTE, f"# {recipe.title}", _facts(recipe, connection)]
    if recipe.program:
        parts.append(
            "The gateway can start it, with settings for that one process and without touching a file:\n\n"
            f"    grok2api run {recipe.program}"
        )
    for number, step in enumerate(rendered(recipe, connection), 1):
        fence = "" if step.form is Form.TEXT else step.form
        parts.append(f"{number}. {step.do}:\n\n```{fence}\n{step.text}\n```")
    parts.append(f"To check: {recipe.check}")
    if recipe.pitfalls:
        parts.append("## What goes wrong")
        parts.append("\n".join(f"* {pitfall}" for pitfall in recipe.pitfalls))
    parts.append(f"[All clients](README.md); the same for your gateway: `grok2api connect {recipe.name}`.")
    return "\n\n".join(parts) + "\n"


def _facts(recipe: Recipe, connection: Connection) -> str:
    facts = [
        f"* It speaks {' and '.join(recipe.speaks)}.",
        f"* Base URL: `{recipe.base_url(connection.url)}`",
    ]
    facts.append(
        f"* Tried against the simulator: {recipe.tried}"
        if recipe.tried
        else "* Written from its documentation, and not tried"
    )
    if recipe.keeps:
        facts.append(f"* Settings: {recipe.keeps}")
    return "\n".join(facts)


PAGES: Mapping[str, Callable[[], str]] = {
    "clients/README.md": index,
    **{f"clients/{recipe.name}.md": partial(page, recipe) for recipe in RECIPES},
}


if __name__ == "__main__":
    sys.exit(write(PAGES))
