"""Databases for tests: one of its own for each, on the three engines; a server that is missing is a failure.

The servers are found at `TEST_POSTGRESQL_URL` and `TEST_MARIADB_URL`: as somebody who may create databases there.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

ENGINES = ("sqlite", "postgresql", "mariadb")

_SERVERS = {
    "postgresql": ("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres"),
    "mariadb": ("TEST_MARIADB_URL", "mariadb://root@127.0.0.1:3306/mysql"),
}
_DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}
_DROP = {"postgresql": "DROP DATABASE {} WITH (FORCE)", "mariadb": "DROP DATABASE {}"}


def server(engine: str) -> str:
    """The URL of the engine's server."""
    variable, default = _SERVERS[engine]
    return os.environ.get(variable, default)


@contextmanager
def database(engine: str, directory: Path) -> Iterator[str]:
    """The URL of an empty database, which is gone afterwards."""
    if engine == "sqlite":
        yield f"sqlite:///{directory / 'grok2api.db'}"
        return
    name = f"grok2api_test_{secrets.token_hex(6)}"
    execute(engine, f"CREATE DATABASE {name}")
    try:
        yield make_url(server(engine)).set(database=name).render_as_string(hide_password=False)
    finally:
        execute(engine, _DROP[engine].format(name))


def execute(engine: str, statement: str) -> None:
    """Run a statement on the engine's server, outside of any transaction."""
    url = make_url(server(engine)).set(drivername=_DRIVERS[engine])
    made = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with made.connect() as connection:
            connection.execute(text(statement))
    finally:
        made.dispose()
