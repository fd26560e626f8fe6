"""Encryption at rest: credentials are sealed before they reach the store, and recognised without being opened.

The keys themselves, and the files that hold them, are in `keys`.

From the store's key come two: one for AES-256-GCM, where a credential is bound to its account's id, so that sealed
values cannot change places; one for the fingerprint, an HMAC that is equal for equal credentials and tells nothing to
those who have not the key (P11, D5).
"""

import hashlib
import hmac
from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from grok2api.storage.errors import StoreError

_KEY_LENGTH = 32
_NONCE_LENGTH = 12


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

    @property
    def check(self) -> str:
        """What the store keeps to recognise its key by."""
        return self.fingerprint("key check")

    def __repr__(self) -> str:
        return "Vault()"


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_LENGTH, salt=None, info=b"grok2api " + purpose).derive(key)
