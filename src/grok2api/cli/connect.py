"""`grok2api connect`: what to type and which file to edit so that a client uses this gateway.

The snippet is on the standard output in any case; what is not well is told on the standard error stream, with exit
code 1. The key is shown on a terminal, and anywhere else only when it is asked for.
"""

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer

from grok2api.cli.common import DEFAULT_DATA_DIR, AsJson, ConfigFile, DataDir, say
from grok2api.cli.served import Key, ModelName, Served, Url, ask, connection, unknown_client, unlisted, whereabouts
from grok2api.recipes.recipe import NO_KEY, PLACEHOLDER, Connection, Recipe, lines, rendered
from grok2api.recipes.table import GROUPS, RECIPES, find


def connect(
    client: Annotated[str | None, typer.Argument(help="The client; none lists them.", show_default=False)] = None,
    url: Url = None,
    key: Key = None,
    model: ModelName = None,
    show_key: Annotated[bool, typer.Option("--show-key", help="Print the key in a pipe too.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say how a client is connected to this gateway."""
    if client is None:
        _list(as_json=as_json)
        return
    recipe = find(client)
    if recipe is None:
        raise unknown_client(client)
    where = whereabouts({"--url": url, "--key": key}, data_dir, config)
    served = ask(where)
    made = connection(recipe, where, served, model)
    shown = made if _may_show(made, show_key=show_key) else msgspec.structs.replace(made, key=PLACEHOLDER)
    if as_json:
        print(json.dumps(_parts(recipe, shown, served), indent=2))
    else:
        print("\n".join(lines(recipe, shown)))
    if shown.key != made.key:
        say(f"the key is not shown in a pipe: put it in the place of {PLACEHOLDER}, or give --show-key")
    if warning := unlisted(served, model):
        say(warning)
    if served.fault:
        say(served.fault)
        raise typer.Exit(1)


def _may_show(made: Connection, *, show_key: bool) -> bool:
    return show_key or made.key in (NO_KEY, PLACEHOLDER) or sys.stdout.isatty()


def _list(*, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_row(recipe) for recipe in RECIPES], indent=2))
        return
    print("\n".join(_listed()))


def _listed() -> Iterator[str]:
    width = max(len(recipe.name) for recipe in RECIPES)
    for title, recipes in GROUPS.items():
        yield f"# {title}"
        for recipe in recipes:
            yield f"{recipe.name:{width}}  {recipe.title}: {', '.join(recipe.speaks)}"


def _row(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "title": recipe.title,
        "speaks": list(recipe.speaks),
        "run": recipe.program or None,
        "page": f"docs/clients/{recipe.name}.md",
    }


def _parts(recipe: Recipe, made: Connection, served: Served) -> dict[str, Any]:
    return {
        **_row(recipe),
        "checked": not served.fault,
        "base_url": recipe.base_url(made.url),
        "key": made.key,
        "model": made.model,
        "small_model": made.small_model,
        "settings": recipe.keeps or None,
        "steps": [{"do": step.do, "form": step.form, "text": step.text} for step in rendered(recipe, made)],
        "check": recipe.check,
        "pitfalls": list(recipe.pitfalls),
    }
