"""Credentials as operators paste them, made into the one form that is stored.

Pure. A session comes as a bare token, as `sso=…`, as a whole cookie header, with dashes and spaces that
a word processor made; an official key begins `xai-`. Two spellings of one credential come out equal,
which is what keeps an account from being imported twice (P11). Errors never repeat the input.
"""

import re
from collections.abc import Mapping

from grok2api.accounts.model import Kind

MAX_LENGTH = 4096

_DASHES: Mapping[int, str] = dict.fromkeys([*range(0x2010, 0x2015), 0x2212], "-")
_COOKIE_NAMES = ("sso", "sso-rw")
_ALLOWED = re.compile(r"[!-~]+")
_HEADER = re.compile(r"^(?:cookie|authorization)\s*:\s*", re.IGNORECASE)
_MASKED = re.compile(r".{8}\.{3}.{8}|\*{3}")
_BEARER = re.compile(r"^bearer\s+", re.IGNORECASE)


class CredentialError(ValueError):
    """The text is no credential; the message says why and never repeats it."""


def clean(raw: str) -> str:
    """The credential in `raw`. Raises `CredentialError`."""
    text = _BEARER.sub("", _HEADER.sub("", raw.translate(_DASHES).strip().strip("\ufeff\"'")))
    text = _squeezed(_from_cookies(text)).strip("\"'")
    if not text:
        raise CredentialError("the credential is empty")
    if len(text) > MAX_LENGTH:
        raise CredentialError(f"the credential is longer than {MAX_LENGTH} characters")
    if not _ALLOWED.fullmatch(text) or any(char in text for char in ';,"\\'):
        raise CredentialError("the credential holds characters that no session token or key has")
    return text


def _from_cookies(text: str) -> str:
    """The session's value when `text` is one cookie or several; else `text`."""
    cookies: dict[str, str] = {}
    for pair in text.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            cookies.setdefault(_squeezed(name).lower(), value)
    for name in _COOKIE_NAMES:
        if name in cookies:
            return cookies[name]
    if ";" in text:
        raise CredentialError("the cookies hold no sso value")
    return text


def _squeezed(text: str) -> str:
    """`text` without white space, invisible characters and anything that is not ASCII."""
    if _ALLOWED.fullmatch(text):
        return text  # as nearly all are, of a hundred thousand
    return "".join(char for char in text if char.isascii() and char.isprintable() and char != " ")


def kind_of(secret: str) -> Kind:
    """Whether a clean credential is an official key or a session."""
    return Kind.API if secret.startswith("xai-") else Kind.WEB


def mask(secret: str) -> str:
    """A credential that people can recognise and nobody can use."""
    return f"{secret[:8]}...{secret[-8:]}" if len(secret) > 20 else "***"


def is_masked(text: str) -> bool:
    """Whether `text` is what `mask` makes; no credential looks like that."""
    return _MASKED.fullmatch(text) is not None
