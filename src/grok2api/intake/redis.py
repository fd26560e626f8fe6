"""Accounts in the Redis of chenyme/grok2api, version 2 and the ones before. Nothing is written to it.

Version 2 keeps a hash for each account under `accounts:record:<token>`; its forerunners a hash under
`grok2api:token:<id>`, and sets of ids for each of `grok2api:pools`. Keys are scanned and fetched a few hundred at a
time.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import redis

from grok2api.accounts.importing import Entry, Reading
from grok2api.accounts.importing.neighbours import entry_of
from grok2api.intake.errors import SourceError, shown

T = TypeVar("T")

_BATCH = 500
_TIMEOUT_SEC = 10
_RECORD = "accounts:record:"
_POOLS = "grok2api:pools"
_POOL = "grok2api:pool:"
_TOKEN = "grok2api:token:"  # noqa: S105 - the beginning of a key's name


def entries(url: str, reading: Reading) -> Iterator[Entry]:
    """The accounts of the Redis at `url`. Raises `SourceError`."""
    try:
        client = redis.Redis.from_url(
            url.replace("valkey", "redis", 1),
            decode_responses=True,
            encoding_errors="replace",
            socket_timeout=_TIMEOUT_SEC,
            socket_connect_timeout=_TIMEOUT_SEC,
        )
    except ValueError:
        raise SourceError(f"{shown(url)} is no URL of a Redis") from None
    found = False
    try:
        with client:
            for entry in itertools.chain(_of_version_2(client, reading), _of_version_1(client, reading)):
                found = True
                yield entry
    except redis.RedisError as error:
        raise SourceError(f"{shown(url)} cannot be read: {_reason(error)}") from None
    if not found:
        raise SourceError(
            f"{shown(url)} has no accounts under {_RECORD}* or {_POOLS}; check the number of the database"
        )


def _of_version_2(client: Any, reading: Reading) -> Iterator[Entry]:
    seen: set[int] = set()  # a scan may tell a key twice
    number = 0
    for keys in _batches(client.scan_iter(f"{_RECORD}*", count=_BATCH)):
        fresh = [key for key in dict.fromkeys(keys) if hash(key) not in seen]
        seen.update(map(hash, fresh))
        for key, fields in _hashes(client, fresh):
            number += 1
            token = key.removeprefix(_RECORD)
            yield entry_of(f"record {number}", {**fields, "token": token}, "", reading)


def _of_version_1(client: Any, reading: Reading) -> Iterator[Entry]:
    for pool in sorted(client.smembers(_POOLS)):
        number = 0
        for idents in _batches(client.sscan_iter(f"{_POOL}{pool}", count=_BATCH)):
            for key, fields in _hashes(client, [f"{_TOKEN}{ident}" for ident in idents]):
                number += 1
                yield entry_of(f"{pool} {number}", {"token": key.removeprefix(_TOKEN), **fields}, pool, reading)


def _hashes(client: Any, keys: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The hashes of these keys; one that is gone meanwhile is left out."""
    pipe = client.pipeline(transaction=False)
    for key in keys:
        pipe.hgetall(key)
    return ((key, fields) for key, fields in zip(keys, pipe.execute(), strict=True) if fields)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _reason(error: redis.RedisError) -> str:
    """What went wrong, by kind; the client's own text may hold the URL."""
    if isinstance(error, redis.AuthenticationError):
        return "the user or the password is wrong"
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return "the server does not answer; check host and port"
    return f"the server reports {type(error).__name__}"
