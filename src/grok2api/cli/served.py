"""What the verbs for clients share: where the gateway is, whether it answers, and which models it serves now."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from grok2api.banner import reachable
from grok2api.catalog import nearest
from grok2api.cli.common import CommandError, loaded
from grok2api.recipes.choice import chosen, talks
from grok2api.recipes.place import Place, place
from grok2api.recipes.recipe import NO_KEY, PLACEHOLDER, Connection, Recipe
from grok2api.recipes.table import BY_NAME, BY_PROGRAM
from grok2api.transport.egress import TransportOptions
from grok2api.transport.lean import LeanHttp
from grok2api.upstreams.base import HttpCall, TransportError

TIMEOUT_SEC = 5.0
_LONGEST = 4 * 1024 * 1024

Url = Annotated[
    str | None,
    typer.Option("--url", help="Where the gateway is; GROK2API_URL.", show_default="by app.app_url or server.*"),
]
Key = Annotated[
    str | None, typer.Option("--key", help="Its key; better in GROK2API_KEY.", show_default="first of app.api_key")
]
ModelName = Annotated[
    str | None, typer.Option("--model", help="A model, instead of the best that is served now.", show_default=False)
]


class Served(msgspec.Struct, frozen=True):
    """What a gateway said of itself: the models that it serves now, and in `fault` why a client cannot use it now.

    open: it let us in without a key.
    """

    models: tuple[str, ...] = ()
    fault: str = ""
    open: bool = False


class _Meta(msgspec.Struct):
    version: str


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


def whereabouts(given: Mapping[str, str | None], data_dir: Path, config: Path | None) -> Place:
    """The gateway that is meant, and the key for it. Raises `CommandError` and `SettingsError`."""
    found = loaded(data_dir, config)
    settings = found.settings
    urls = [settings.app.app_url, reachable(settings.server.host, settings.server.port)]
    origin = found.origins["app.api_key"]
    options = {name: value for name, value in given.items() if value}
    try:
        return place(options, os.environ, [url for url in urls if url], settings.app.api_key, origin)
    except ValueError as error:
        raise CommandError(str(error), 2) from None


def ask(where: Place) -> Served:
    """Ask the gateway what it serves. Never raises."""
    return asyncio.run(_ask(where))


def connection(recipe: Recipe, where: Place, served: Served, wanted: str | None) -> Connection:
    """What the client is to be told."""
    model, small = chosen(recipe.purpose, served.models, wanted or "")
    key = where.key or (NO_KEY if served.open else PLACEHOLDER)
    return Connection(url=where.url, key=key, model=model, small_model=small)


def unlisted(served: Served, wanted: str | None) -> str:
    """A warning about a model that was asked for by name and is not served, or nothing. It may be an alias."""
    if not wanted or not served.models or wanted in served.models:
        return ""
    close = ", ".join(nearest(wanted, served.models))
    return f"warning: {wanted} is not in the list of models; the nearest are {close}; a pattern of aliases may know it"


def unknown_client(name: str) -> CommandError:
    """For a client that has no recipe."""
    close = ", ".join(nearest(name, {**BY_NAME, **BY_PROGRAM}))
    return CommandError(f"{name} is not a client that is known; the nearest are {close}; grok2api connect lists all", 2)


async def _ask(where: Place) -> Served:
    http = LeanHttp(lambda: TransportOptions(connect_timeout=TIMEOUT_SEC))
    try:
        async with asyncio.timeout(TIMEOUT_SEC):
            return await _look(http, where)
    except TransportError:
        return Served(fault=f"nothing answers at {where.url}; grok2api serve starts the gateway")
    except TimeoutError:
        return Served(fault=f"{where.url} does not answer within {TIMEOUT_SEC:g} s; see the gateway's log")
    except msgspec.DecodeError:
        return Served(fault=f"another program answers at {where.url}; say with --url where the gateway is")
    finally:
        await http.close()


async def _look(http: LeanHttp, where: Place) -> Served:
    _, body = await _get(http, f"{where.url}/meta", "")
    msgspec.json.decode(body, type=_Meta)
    status, body = await _get(http, f"{where.url}/v1/models", where.key)
    if status == 401 and where.key:
        return Served(fault=f"the gateway at {where.url} refuses the key of {where.source}")
    if status == 401:
        return Served(fault=f"the gateway at {where.url} wants a key: set GROK2API_KEY to one of its app.api_key")
    if status != 200:
        return Served(fault=f"the gateway at {where.url} answers with {status} instead of its models; see its log")
    models = tuple(model.id for model in msgspec.json.decode(body, type=_Models).data)
    if not any(map(talks, models)):
        fault = f"the gateway at {where.url} serves no chat model now; grok2api accounts list says why"
        return Served(models, fault, open=not where.key)
    return Served(models, open=not where.key)


async def _get(http: LeanHttp, url: str, key: str) -> tuple[int, bytes]:
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    async with http.send(HttpCall(method="GET", url=url, headers=headers)) as answer:
        return answer.status, await answer.head(_LONGEST)
