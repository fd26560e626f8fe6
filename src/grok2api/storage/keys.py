"""The store's key: where it is, how it is made, and how another takes its place.

It is 32 random bytes in `<data-dir>/secret.key` (mode 0600, made at first use), or what the environment variable
GROK2API_SECRET_KEY holds. A new key waits in `secret.key.new` until the store is sealed with it; then it becomes
`secret.key`, and the one before is kept in `secret.key.old`, for backups that are older than the change. Whenever that
is interrupted, one of the first two files fits the store.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from secrets import token_bytes

from grok2api.storage.errors import StoreError

VARIABLE = "GROK2API_SECRET_KEY"
NEW_VARIABLE = "GROK2API_NEW_SECRET_KEY"
FILE_NAME = "secret.key"
PENDING_NAME = "secret.key.new"
FORMER_NAME = "secret.key.old"

_KEY_LENGTH = 32
_MIN_PHRASE = 16
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "salt": b"grok2api store key", "dklen": _KEY_LENGTH}


def load_key(data_dir: Path, environ: Mapping[str, str], *, may_create: bool) -> bytes:
    """The store's key, from the environment or the key file. Raises `StoreError`. Blocks.

    may_create: whether a missing key file is made; not when a store is there already, which needs its own.
    """
    phrase = environ.get(VARIABLE, "")
    if phrase:
        return from_phrase(phrase, VARIABLE)
    path = data_dir / FILE_NAME
    try:
        if may_create and not path.exists():
            _create(path)
        return _read(path)
    except FileNotFoundError:
        raise StoreError(f"The key file {path} is missing; restore it, or set {VARIABLE}.") from None
    except OSError as error:
        raise StoreError(f"The key file {path} cannot be used: {error.strerror}.") from None


def from_phrase(phrase: str, variable: str) -> bytes:
    """The key that a variable's phrase means. Raises `StoreError`. Blocks."""
    if len(phrase) < _MIN_PHRASE:
        raise StoreError(f"{variable} is shorter than {_MIN_PHRASE} characters; take 32 random ones.")
    return hashlib.scrypt(phrase.encode(), **_SCRYPT)  # type: ignore[arg-type]


def pending(data_dir: Path) -> bytes | None:
    """The key that was to take the other's place when that was interrupted. Raises `StoreError`. Blocks."""
    path = data_dir / PENDING_NAME
    try:
        return _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"The key file {path} cannot be used: {error.strerror}.") from None


def make_pending(data_dir: Path) -> bytes:
    """A new key, on the disk before anything is sealed with it. Raises `StoreError`. Blocks."""
    key = token_bytes(_KEY_LENGTH)
    path = data_dir / PENDING_NAME
    try:
        path.unlink(missing_ok=True)
        _write(path, key)
    except OSError as error:
        raise StoreError(f"The key file {path} cannot be made: {error.strerror}; nothing was changed.") from None
    return key


def promote(data_dir: Path) -> None:
    """Let the new key take the old one's place, in one step. Raises `StoreError`. Blocks."""
    path, fresh = data_dir / FILE_NAME, data_dir / PENDING_NAME
    try:
        _keep_former(data_dir)
        fresh.replace(path)
        _sync(data_dir)
    except FileNotFoundError:
        return  # another process that opened the store has done it
    except OSError as error:
        raise StoreError(
            f"The new key is in {fresh} and cannot take the place of {path}: {error.strerror}; move it there yourself."
        ) from None


def retire(data_dir: Path) -> None:
    """Put the key file away: the key is in the environment from now on. Blocks."""
    path = data_dir / FILE_NAME
    if path.exists():
        path.replace(data_dir / FORMER_NAME)
        _sync(data_dir)


def _keep_former(data_dir: Path) -> None:
    path, kept = data_dir / FILE_NAME, data_dir / FORMER_NAME
    if (data_dir / PENDING_NAME).exists():
        beside = data_dir / f".{FORMER_NAME}.{os.getpid()}"
        beside.unlink(missing_ok=True)
        beside.hardlink_to(path)
        beside.replace(kept)


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_LENGTH:
        raise StoreError(f"The key file {path} does not hold a key; restore it, or set {VARIABLE}.")
    return key


def _create(path: Path) -> None:
    """Make the key file, whole or not at all; when another process is first, its file stays."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(fresh, token_bytes(_KEY_LENGTH))
        path.hardlink_to(fresh)
    except FileExistsError:
        return
    finally:
        fresh.unlink(missing_ok=True)


def _write(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    _sync(path.parent)


def _sync(directory: Path) -> None:
    """Have names that were changed survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
