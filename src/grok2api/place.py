"""A worker's place among several: what the supervisor that started it wants it to know.

Handed down in one variable, together with two file descriptors: the socket to listen on, and a line to the supervisor.
The worker says on the line that it serves; the line breaks when the supervisor dies, and then the worker ends too.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping

import msgspec

VARIABLE = "GROK2API_WORKER"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The `number`th of `count` workers. again: not its first start, so what is missing now may come back."""

    number: int = 1
    count: int = 1
    listener: int = -1
    line: int = -1
    again: bool = False

    def written(self) -> str:
        return msgspec.json.encode(self).decode()


class Serves(msgspec.Struct, frozen=True):
    """What a worker says when it serves: how many accounts there are, by state."""

    accounts: list[tuple[int, str]]


def place_in(environ: Mapping[str, str]) -> Place | None:
    """The place that a supervisor gave to this process; `None` when nobody did. Raises `ValueError`."""
    text = environ.get(VARIABLE)
    return msgspec.json.decode(text, type=Place) if text else None


def listener_of(place: Place) -> socket.socket:
    """The socket that the worker shall listen on."""
    listener = socket.socket(fileno=place.listener)
    listener.setblocking(False)
    return listener


class Line:
    """The worker's end of the line to its supervisor."""

    def __init__(self, place: Place) -> None:
        self._socket = socket.socket(fileno=place.line)
        self._socket.setblocking(False)

    def say(self, what: Serves) -> None:
        """Say that this worker serves."""
        self._socket.send(msgspec.json.encode(what) + b"\n")

    def watch(self, orphaned: Callable[[], None]) -> None:
        """Call `orphaned` when the supervisor is gone."""
        loop = asyncio.get_running_loop()

        def broken() -> None:
            loop.remove_reader(self._socket)
            orphaned()

        loop.add_reader(self._socket, broken)
