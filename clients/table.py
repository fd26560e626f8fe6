"""Every client that is run, one row each. Rows for pypi are in `rows_python`, those for npm in `rows_node`."""

from clients.rows import Client
from clients.rows_node import CLIENTS as FROM_NPM
from clients.rows_python import CLIENTS as FROM_PYPI

CLIENTS: tuple[Client, ...] = (*FROM_PYPI, *FROM_NPM)
BY_NAME = {client.name: client for client in CLIENTS}
