"""The clients that come from npm, and the coding agents."""

from clients.rows import Client

CLIENTS: tuple[Client, ...] = ()
