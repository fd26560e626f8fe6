"""What the store has to know of a database: how to connect, how to keep others out, what its errors mean."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec
import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.engine import URL


class Patience(msgspec.Struct, frozen=True):
    """Seconds: to connect, for the server to answer a statement, for a lock that another transaction holds.

    answer: None has no limit, for work like migrations.
    """

    connect: int = 5
    answer: int | None = 8
    lock: int = 4


class Fault(msgspec.Struct, frozen=True):
    """One thing that a driver may say, by its codes or by phrases in its text; `advice` follows the database's name.

    again: the transaction came to nothing and may simply be run again.
    """

    advice: str
    codes: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    again: bool = False

    def fits(self, code: str, text: str) -> bool:
        return code in self.codes or any(phrase in text for phrase in self.phrases)


class Engine(msgspec.Struct, frozen=True):
    """One database.

    connect: a lazily connecting engine for transactions that write, or that only read, in one consistent view.
    alone: a context that no other process can be in; for changing the schema. code: what identifies an error besides
    its text, or nothing. faults: the first that fits is meant.
    """

    connect: Callable[[URL, bool, int, Patience], sqlalchemy.Engine]
    alone: Callable[[Connection], AbstractContextManager[None]]
    code: Callable[[BaseException], str]
    faults: tuple[Fault, ...]

    def fault(self, error: BaseException) -> Fault | None:
        """What the driver's error means; None when it is in no row."""
        code, text = self.code(error), str(error).lower()
        return next((fault for fault in self.faults if fault.fits(code, text)), None)


def options(url: URL, **wanted: object) -> dict[str, object]:
    """The driver's options that the URL leaves open."""
    return {name: value for name, value in wanted.items() if value is not None and name not in url.query}
