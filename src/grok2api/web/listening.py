"""Listening sockets: one, or one for each of several processes.

On Linux each process gets a socket of its own, and the kernel deals new connections out evenly (SO_REUSEPORT); a burst
of them would else be taken by whoever woke up first. Elsewhere all processes share one socket.
"""

import socket
import sys

#: Whether the kernel deals connections out over several sockets of one address.
DEALS = sys.platform == "linux"

_BACKLOG = 1024


class PortTaken(Exception):  # noqa: N818 - reported to the operator in one line
    """The address cannot be listened on; the text says which and why."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket of our own. Raises `PortTaken`."""
    return _bound(host, port, listens=True)


class Listeners:
    """The sockets of several processes, on one address. Raises `PortTaken`."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        # Bound without sharing first: an address that somebody else listens on is refused, even if he would share it.
        self._shared = _bound(host, port, listens=not DEALS)
        self.port: int = self._shared.getsockname()[1]
        if DEALS:
            self._shared.close()

    def one(self) -> socket.socket:
        """The socket for one more process; to be closed by whoever asks."""
        return _bound(self._host, self.port, listens=True, deals=True) if DEALS else self._shared.dup()

    def close(self) -> None:
        """Close what is shared."""
        self._shared.close()


def _bound(host: str, port: int, *, listens: bool, deals: bool = False) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if deals:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        if listens:
            listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port or server.port"
        ) from None
    listener.setblocking(False)
    return listener
