"""`grok2api serve`: see that everything needed is there, then run the gateway.

What can be known before the start is found here and said in one line: the configuration, the data directory, the
port. The gateway itself is `app`.
"""

import os
from typing import Annotated

import typer

from grok2api.app import run
from grok2api.cli.common import DEFAULT_DATA_DIR, CommandError, ConfigFile, DataDir, ready_data_dir, say
from grok2api.config.load import Layers
from grok2api.web.server import PortTaken, bind


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on.", show_default="server.host")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on.", show_default="server.port")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes.", show_default="server.workers")] = None,
    config: ConfigFile = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    demo: Annotated[
        bool, typer.Option("--demo", help="With the simulator and demo accounts, apart in <data-dir>/demo.")
    ] = False,
) -> None:
    """Run the gateway."""
    overrides = {"server.host": host, "server.port": port, "server.workers": workers}
    directory = data_dir / "demo" if demo else data_dir
    ready_data_dir(directory)
    given = {key: value for key, value in overrides.items() if value is not None}
    layers = Layers(config, directory, given, os.environ)
    found = layers.survey()
    for warning in found.warnings:
        say(f"warning: {warning}")
    try:
        listener = bind(found.settings.server.host, found.settings.server.port)
    except PortTaken as error:
        raise CommandError(str(error)) from None
    with listener:
        code = run(layers, listener, demo=demo)
    if code:
        raise typer.Exit(code)
