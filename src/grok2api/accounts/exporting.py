"""Accounts written out: text, CSV, JSON by pool, JSON lines; whole or with their credentials masked.

Pure, and lazy. What is written with credentials can be imported again with nothing lost, except as text, which holds
the credentials and nothing else. Masked files are for reading; `importing` refuses them.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

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


def written(accounts: Iterable[Account], form: Form, *, secrets: bool = False) -> Iterator[str]:
    """The pieces of the file, in the order of the accounts; JSON groups them by pool."""
    return _WRITERS[form](accounts, _whole if secrets else _masked)


def _whole(account: Account) -> str:
    return account.secret


def _masked(account: Account) -> str:
    return mask(account.secret)


def _text(accounts: Iterable[Account], token: Token) -> Iterator[str]:
    return (f"{token(account)}\n" for account in accounts)


def _jsonl(accounts: Iterable[Account], token: Token) -> Iterator[str]:
    return (f"{_json(account, token)}\n" for account in accounts)


def _by_pool(accounts: Iterable[Account], token: Token) -> Iterator[str]:
    pools: dict[Tier, list[str]] = {}
    for account in accounts:
        pools.setdefault(account.tier, []).append(_json(account, token))
    yield "{"
    for at, (tier, records) in enumerate(pools.items()):
        yield f'{"," if at else ""}\n"{tier.value}": [\n'
        for number, record in enumerate(records, 1):
            yield f"  {record}{',' if number < len(records) else ''}\n"
        yield "]"
    yield "\n}\n"


def _csv(accounts: Iterable[Account], token: Token) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.DictWriter(line, FIELDS, restval="", lineterminator="\n")
    writer.writeheader()
    for account in accounts:
        yield _taken(line)
        writer.writerow(cells_of(record_of(account, token(account))))
    yield _taken(line)


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text


def _json(account: Account, token: Token) -> str:
    return msgspec.json.encode(record_of(account, token(account))).decode()


_WRITERS: Mapping[Form, Callable[[Iterable[Account], Token], Iterator[str]]] = {
    Form.TEXT: _text,
    Form.CSV: _csv,
    Form.JSON: _by_pool,
    Form.JSONL: _jsonl,
}
