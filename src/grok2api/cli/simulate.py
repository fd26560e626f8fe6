"""`grok2api simulate`: the upstreams on loopback, until interrupted.

Says how to point a gateway at it and which tokens it knows. What it can do is in docs/simulator.md.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from grok2api.cli.common import CommandError
from grok2api.simulator.accounts import SimAccount, demo_accounts
from grok2api.simulator.app import Running, start, upstream_settings
from grok2api.simulator.world import World, WorldOptions


def simulate(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8899,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    accounts: Annotated[
        Path | None, typer.Option("--accounts", help="JSON file with a list of accounts, instead of the demo ones.")
    ] = None,
    delay: Annotated[float, typer.Option("--delay", min=0, help="Seconds between frames.")] = 0.0,
    require_dpop: Annotated[
        bool, typer.Option("--require-dpop", help="The console wants a proof of possession from everybody.")
    ] = False,
    unmetered: Annotated[bool, typer.Option("--unmetered", help="Windows do not run down.")] = False,
    attached: Annotated[
        bool, typer.Option("--attached", help="End when the standard input closes: with the program that started it.")
    ] = False,
) -> None:
    """Run the upstreams on this machine, with faults on request."""
    known = demo_accounts() if accounts is None else read_accounts(accounts)
    options = WorldOptions(delay=delay, require_dpop=require_dpop, metered=not unmetered)
    try:
        asyncio.run(_serve(World(known, options), host, port, attached=attached))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CommandError(f"port {port} on {host} cannot be opened: {reason}; choose another --port") from None


def read_accounts(path: Path) -> list[SimAccount]:
    """The accounts of a JSON file. Raises `CommandError` that says what is wrong with it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[SimAccount])
    except OSError as error:
        raise CommandError(f"the accounts file {path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise CommandError(f"the accounts file {path} is not a list of accounts: {error}") from None


def greeting(running: Running) -> str:
    """What is printed at the start."""
    settings = [
        f"  GROK2API_{key.upper().replace('.', '__')}={value}" for key, value in upstream_settings(running.url).items()
    ]
    tokens = [f"  {account.token}  ({account.tier.value})" for account in running.world.accounts.values()]
    lines = [
        f"The simulated upstreams are at {running.url}; Ctrl-C ends them.",
        "Point a gateway at them:",
        *settings,
        "Accounts:",
        *tokens,
        "Write sim:think, sim:search, sim:slow=0.2, sim:429 … in a message; docs/simulator.md lists the words.",
    ]
    return "\n".join(lines)


async def _serve(world: World, host: str, port: int, *, attached: bool) -> None:
    running = await start(world, host, port)
    print(greeting(running), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if attached:
        loop.add_reader(sys.stdin.fileno(), ended.set)
    try:
        await ended.wait()
    finally:
        await running.close()
