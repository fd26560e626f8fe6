"""Encryption at rest: credentials are sealed before they reach the store, and recognised without being opened.

The key is 32 random bytes in `<data-dir>/secret.key` (mode 0600, made at first use), or what the environment
variable GROK2API_SECRET_KEY holds. From it come two keys: one for AES-256-GCM, where a credential is bound to
its account's id, so that sealed values cannot change places; one for the fingerprint, an HMAC that is equal for
equal credentials and tells nothing to those who have not the key (P11, D5).
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from grok2api.storage.errors import StoreError

VARIABLE = "GROK2API_SECRET_KEY"
FILE_NAME = "secret.key"

_KEY_LENGTH = 32
_NONCE_LENGTH = 12
_MIN_PHRASE = 16
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "salt": b"grok2api store key", "dklen": _KEY_LENGTH}


class Vault:
    """Seals, opens and recognises credentials."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(_derived(key, b"credentials"))
        self._prints = _derived(key, b"fingerprints")

    def seal(self, secret: str, ident: str) -> bytes:
        """The encrypted credential of the account `ident`."""
        nonce = token_bytes(_NONCE_LENGTH)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), ident.encode())

    def open(self, sealed: bytes, ident: str) -> str:
        """The credential again. Raises `StoreError` when it was sealed with another key or for another account."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], ident.encode()).decode()
        except (InvalidTag, ValueError):
            raise StoreError(f"The credential of account {ident} cannot be decrypted with this key.") from None

    def fingerprint(self, text: str) -> str:
        """64 hexadecimal digits, equal for equal texts."""
        return hmac.new(self._prints, text.encode(), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return "Vault()"


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_LENGTH, salt=None, info=b"grok2api " + purpose).derive(key)


def load_key(data_dir: Path, environ: Mapping[str, str], *, may_create: bool) -> bytes:
    """The store's key, from the environment or the key file. Raises `StoreError`. Blocks.

    may_create: whether a missing key file is made; not when a store is there already, which needs its own.
    """
    phrase = environ.get(VARIABLE, "")
    if phrase:
        if len(phrase) < _MIN_PHRASE:
            raise StoreError(f"{VARIABLE} is shorter than {_MIN_PHRASE} characters; take 32 random ones.")
        return hashlib.scrypt(phrase.encode(), **_SCRYPT)  # type: ignore[arg-type]
    path = data_dir / FILE_NAME
    try:
        if may_create and not path.exists():
            _create(path)
        text = path.read_text("ascii")
        key = bytes.fromhex(text.strip())
    except FileNotFoundError:
        raise StoreError(f"The key file {path} is missing; restore it, or set {VARIABLE}.") from None
    except OSError as error:
        raise StoreError(f"The key file {path} cannot be used: {error.strerror}.") from None
    except ValueError:
        key = b""
    if len(key) != _KEY_LENGTH:
        raise StoreError(f"The key file {path} does not hold a key; restore it, or set {VARIABLE}.")
    return key


def _create(path: Path) -> None:
    """Make the key file, whole or not at all; when another process is first, its file stays."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token_bytes(_KEY_LENGTH).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    except FileExistsError:
        return
    finally:
        fresh.unlink(missing_ok=True)
