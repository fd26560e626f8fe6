"""Accounts written out: text, CSV, JSON by pool, JSON lines; whole or with their credentials masked.

Pure, and lazy. What is written with credentials can be imported again with nothing lost, except as text, which holds
the credentials and nothing else. Masked files are for reading; `importing` refuses them.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import Protocol

import msgspec

from grok2api.accounts.credentials import mask
from grok2api.accounts.importing.own import FIELDS, cells_of, record_of
from grok2api.accounts.model import Account
from grok2api.catalog import Tier

Token = Callable[[Account], str]


class Form(StrEnum):
    """How accounts are written out."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


class Writer(Protocol):
    """Writes one file, some accounts at a time: `begin`, `some` as often as there are any, `end`."""

    def begin(self) -> str: ...

    def some(self, accounts: Iterable[Account]) -> Iterator[str]: ...

    def end(self) -> str: ...


def writer(form: Form, *, secrets: bool = False) -> Writer:
    """What writes the form. JSON is by pool: it has to be given the accounts of a pool one after the other."""
    return _WRITERS[form](_whole if secrets else _masked)


def written(accounts: Iterable[Account], form: Form, *, secrets: bool = False) -> Iterator[str]:
    """The pieces of the file, in the order of the accounts; JSON groups them by pool, and holds them for that."""
    if form is Form.JSON:
        accounts = sorted(accounts, key=lambda account: _TIERS.index(account.tier))
    pieces = writer(form, secrets=secrets)
    yield pieces.begin()
    yield from pieces.some(accounts)
    yield pieces.end()


def _whole(account: Account) -> str:
    return account.secret


def _masked(account: Account) -> str:
    return mask(account.secret)


class _Lines:
    """Lines that stand alone."""

    def __init__(self, line: Callable[[Account, Token], str], token: Token) -> None:
        self._line = line
        self._token = token

    def begin(self) -> str:
        return ""

    def some(self, accounts: Iterable[Account]) -> Iterator[str]:
        return (f"{self._line(account, self._token)}\n" for account in accounts)

    def end(self) -> str:
        return ""


class _ByPool:
    """One JSON object with a list for each pool."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._tier: Tier | None = None

    def begin(self) -> str:
        return "{"

    def some(self, accounts: Iterable[Account]) -> Iterator[str]:
        for account in accounts:
            yield self._before(account.tier)
            yield f"  {_json(account, self._token)}"

    def _before(self, tier: Tier) -> str:
        last, self._tier = self._tier, tier
        if last is tier:
            return ",\n"
        return f'{"" if last is None else self._shut + ","}\n"{tier.value}": [\n'

    _shut = "\n]"

    def end(self) -> str:
        return f"{'' if self._tier is None else self._shut}\n}}\n"


class _Csv:
    """A table with a header."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._line = io.StringIO()
        self._rows = csv.DictWriter(self._line, FIELDS, restval="", lineterminator="\n")

    def begin(self) -> str:
        self._rows.writeheader()
        return self._taken()

    def some(self, accounts: Iterable[Account]) -> Iterator[str]:
        for account in accounts:
            self._rows.writerow(cells_of(record_of(account, self._token(account))))
            yield self._taken()

    def end(self) -> str:
        return ""

    def _taken(self) -> str:
        text = self._line.getvalue()
        self._line.seek(0)
        self._line.truncate()
        return text


def _credential(account: Account, token: Token) -> str:
    return token(account)


def _json(account: Account, token: Token) -> str:
    return msgspec.json.encode(record_of(account, token(account))).decode()


_TIERS = tuple(Tier)

_WRITERS: Mapping[Form, Callable[[Token], Writer]] = {
    Form.TEXT: partial(_Lines, _credential),
    Form.CSV: _Csv,
    Form.JSON: _ByPool,
    Form.JSONL: partial(_Lines, _json),
}
