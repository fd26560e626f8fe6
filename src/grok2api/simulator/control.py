"""The simulator's own endpoints under `/_sim/`: scenarios, accounts, the journal, reset.

For operators and for tests that run the simulator as a process of its own. Bodies are the JSON forms of
docs/simulator.md; what does not read is answered by 400 with the reason.
"""

from typing import Any

import msgspec
from aiohttp import web

from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.render import encode
from grok2api.simulator.scenarios import read_scenario, shown
from grok2api.simulator.sending import WORLD


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=encode(value), status=status, content_type="application/json")


async def _items(request: web.Request) -> list[Any]:
    """The body: one object or a list of them."""
    body = msgspec.json.decode(await request.read())
    return body if isinstance(body, list) else [body]


async def add_scenarios(request: web.Request) -> web.Response:
    """`POST /_sim/scenarios`: one scenario or a list; all or none."""
    try:
        added = [read_scenario(item) for item in await _items(request)]
    except (ValueError, msgspec.DecodeError) as wrong:
        return _json({"error": str(wrong)}, 400)
    request.app[WORLD].scenarios.extend(added)
    return _json([shown(scenario) for scenario in added], 201)


async def list_scenarios(request: web.Request) -> web.Response:
    """`GET /_sim/scenarios`."""
    return _json([shown(scenario) for scenario in request.app[WORLD].scenarios])


async def drop_scenarios(request: web.Request) -> web.Response:
    """`DELETE /_sim/scenarios`."""
    request.app[WORLD].scenarios.clear()
    return _json([])


async def add_accounts(request: web.Request) -> web.Response:
    """`POST /_sim/accounts`: one account or a list; one with a known token is replaced."""
    try:
        added = [msgspec.convert(item, SimAccount) for item in await _items(request)]
    except (ValueError, msgspec.DecodeError) as wrong:
        return _json({"error": str(wrong)}, 400)
    request.app[WORLD].add(*added)
    return _json(added, 201)


async def list_accounts(request: web.Request) -> web.Response:
    """`GET /_sim/accounts`: the accounts with what is left of their windows now."""
    world = request.app[WORLD]
    now = world.now()
    for account in world.accounts.values():
        for window in account.windows.values():
            window.remaining = window.left(now)
    return _json(list(world.accounts.values()))


async def show_journal(request: web.Request) -> web.Response:
    """`GET /_sim/journal`, optionally `?endpoint=` and `?account=`."""
    wanted = {name: request.query[name] for name in ("endpoint", "account", "ended") if name in request.query}
    entries = request.app[WORLD].journal.entries
    kept = [one for one in entries if all(getattr(one, name) == value for name, value in wanted.items())]
    return _json([one.shown() for one in kept])


async def reset(request: web.Request) -> web.Response:
    """`POST /_sim/reset`: the world as at the start."""
    request.app[WORLD].reset()
    return _json({"reset": True})


ROUTES = (
    web.post("/_sim/scenarios", add_scenarios),
    web.get("/_sim/scenarios", list_scenarios),
    web.delete("/_sim/scenarios", drop_scenarios),
    web.post("/_sim/accounts", add_accounts),
    web.get("/_sim/accounts", list_accounts),
    web.get("/_sim/journal", show_journal),
    web.post("/_sim/reset", reset),
)
