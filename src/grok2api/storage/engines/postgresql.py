"""PostgreSQL, through psycopg.

Transactions that write see what others have committed (READ COMMITTED) and wait for their locks; those that read
have one view of everything (REPEATABLE READ). A server that has stopped answering is given up after a while: libpq
itself would wait for ever.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL

from grok2api.storage.engines.base import Engine, Fault, Patience, options

T = TypeVar("T")

#: Of the session. Whoever holds a lock and goes silent, because its machine died, holds it no longer than this.
_ABANDONED_SEC = 30

_LIMITS = """
    SELECT set_config('lock_timeout', %s, false),
           set_config('statement_timeout', %s, false),
           set_config('idle_in_transaction_session_timeout', %s, false)
"""

#: The key of our advisory lock: "grok" in ASCII.
_LOCK = 0x67726F6B


class _Patient(psycopg.Connection[TupleRow]):
    """A connection that closes when an answer takes longer than `answer` seconds."""

    answer: float | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.answer if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                self.pgconn.finish()
            raise


def _connect(url: URL, writes: bool, size: int, patience: Patience) -> sqlalchemy.Engine:
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
        connect_args=options(url, connect_timeout=patience.connect, application_name="grok2api"),
    )

    def connect(_dialect: object, _record: object, args: list[Any], named: dict[str, Any]) -> _Patient:
        connection = _Patient.connect(*args, **named)
        connection.answer = patience.answer
        return connection

    def configure(connection: _Patient, _record: object) -> None:
        limits = (patience.lock, patience.answer or 0, _ABANDONED_SEC)
        connection.execute(_LIMITS, [f"{seconds}s" for seconds in limits])
        connection.commit()

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", configure)
    return engine


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    yield


def _code(error: BaseException) -> str:
    """The five characters of SQLSTATE. While it connects, the driver has none, but the server's words."""
    return (error.sqlstate if isinstance(error, psycopg.Error) else None) or ""


POSTGRESQL = Engine(
    connect=_connect,
    alone=_alone,
    code=_code,
    faults=(
        Fault(
            "was changed by another process at the same time; try again",
            codes=("40P01", "40001", "23505"),
            again=True,
        ),
        Fault("is locked by another process; try again, or stop the other one", codes=("55P03",), again=True),
        Fault("needs too long for an answer; see what keeps the server busy", codes=("57014",)),
        Fault(
            "denies this user what is needed: make the user the owner of the database",
            codes=("42501",),
            phrases=("permission denied",),
        ),
        Fault("cannot grow: the server's disk is full", codes=("53100",)),
        Fault("is read-only: name a server that takes writes", codes=("25006",)),
        Fault(
            "takes no more connections: raise max_connections, or stop other programs",
            codes=("53300",),
            phrases=("too many clients", "too many connections", "remaining connection slots"),
        ),
        Fault(
            "is starting up or shutting down; it is used again as soon as it is there",
            codes=("57P01", "57P02", "57P03"),
            phrases=("the database system is", "terminating connection"),
        ),
        Fault(
            "refuses this user: correct the user name and password in storage.url, or the server's pg_hba.conf",
            codes=("28000", "28P01"),
            phrases=("authentication failed", "no password supplied", "pg_hba.conf", 'role "'),
        ),
        Fault(
            "does not exist: create the database, or correct its name in storage.url",
            codes=("3D000",),
            phrases=('database "',),
        ),
        Fault(
            "cannot be connected to safely: see the TLS options in storage.url",
            phrases=("ssl", "certificate"),
        ),
        Fault(
            "is not found: the host in storage.url has no address",
            phrases=("name or service not known", "could not translate host name", "failed to resolve host"),
        ),
        Fault(
            "has options in storage.url that its driver does not know",
            phrases=("invalid connection option", "invalid uri query parameter"),
        ),
        Fault("does not answer; it is used again as soon as it does", phrases=("timeout expired",)),
        Fault(
            "cannot be reached: see that the server runs and that host and port in storage.url are right",
            phrases=("connection failed", "connection refused"),
        ),
        Fault(
            "has closed the connection; it is used again as soon as it is there",
            phrases=("closed the connection", "connection is closed", "connection is lost", "connection socket closed"),
        ),
    ),
)
