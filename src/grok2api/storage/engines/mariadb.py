"""MariaDB and MySQL, through PyMySQL.

The tables are InnoDB in utf8mb4, compared byte by byte. Transactions that write see what others have committed (READ
COMMITTED) and wait for their locks; those that read have one view of everything (REPEATABLE READ). The driver sends
long inserts in several statements of at most a megabyte, so that no server's `max_allowed_packet` is met.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
import sqlalchemy
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL

from grok2api.storage.engines.base import Engine, Fault, Patience, options
from grok2api.storage.errors import StoreError

#: Seconds of silence after which the server closes a connection, and gives back what its transaction holds.
_ABANDONED_SEC = 60

_SQL_MODE = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"


def _connect(url: URL, writes: bool, size: int, patience: Patience) -> sqlalchemy.Engine:
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
        connect_args=options(
            url,
            charset="utf8mb4",
            connect_timeout=patience.connect,
            read_timeout=patience.answer,
            write_timeout=patience.answer,
        ),
    )

    def configure(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = %s", (_SQL_MODE,))
            cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", (patience.lock,))
            cursor.execute("SET SESSION wait_timeout = %s", (_ABANDONED_SEC,))

    event.listen(engine, "connect", configure)
    return engine


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """A lock of the session: a transaction's would end with the first statement that changes the schema."""
    if connection.scalar(text("SELECT GET_LOCK('grok2api schema', 15)")) != 1:
        raise StoreError("The store's schema is being changed by another process; try again when that has finished.")
    try:
        yield
    finally:
        connection.execute(text("DO RELEASE_LOCK('grok2api schema')"))


def _code(error: BaseException) -> str:
    """The server's or the client library's number."""
    return str(error.args[0]) if isinstance(error, pymysql.MySQLError) and error.args else ""


MARIADB = Engine(
    connect=_connect,
    alone=_alone,
    code=_code,
    faults=(
        Fault(
            "was changed by another process at the same time; try again",
            codes=("1213", "1020", "1062"),
            again=True,
        ),
        Fault("is locked by another process; try again, or stop the other one", codes=("1205",), again=True),
        Fault(
            "refuses this user: correct the user name and password in storage.url",
            codes=("1045", "1698", "1130", "1251", "2059"),
        ),
        Fault("does not exist: create the database, or correct its name in storage.url", codes=("1049",)),
        Fault(
            "denies this user what is needed: grant it all privileges on the database",
            codes=("1044", "1142", "1143", "1227"),
        ),
        Fault("cannot grow: the server's disk is full", codes=("1021", "1114")),
        Fault("is read-only: name a server that takes writes", codes=("1290", "1792", "1836")),
        Fault(
            "takes no more connections: raise max_connections, or stop other programs",
            codes=("1040", "1203", "1226"),
        ),
        Fault("takes no statement as long as this one: raise max_allowed_packet", codes=("1153",)),
        Fault("is not found: the host in storage.url has no address", phrases=("name or service not known",)),
        Fault(
            "cannot be connected to safely: see the TLS options in storage.url",
            codes=("2026",),
            phrases=("ssl", "certificate"),
        ),
        Fault(
            "has options in storage.url that its driver does not know",
            phrases=("unexpected keyword argument",),
        ),
        Fault(
            "cannot be reached: see that the server runs and that host and port in storage.url are right",
            codes=("2002", "2003"),
        ),
        Fault(
            "has closed the connection, or does not answer; it is used again as soon as it is there",
            codes=("0", "1053", "1927", "2006", "2013"),
        ),
    ),
)
