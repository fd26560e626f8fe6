"""Reading one value: from what a file, a variable or a command line says to what a setting holds.

Pure. A bad value is a `BadValue` whose message says what is allowed; it repeats the value only where that cannot
reveal a secret. Numbers keep their zeros, an empty list is a list.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from grok2api.config.about import Form
from grok2api.config.table import Kind, Setting

_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_PROSE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._\[\]:-]+")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

#: Larger numbers are no seconds and no sizes, and not every reader of JSON can hold them.
_LARGEST = 2**53

#: What word processors and chat programs make of plain characters; a cookie or User-Agent pasted from one has them.
_TYPOGRAPHIC = str.maketrans({
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("\u201c\u201d", '"'),
    **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f", " "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff"),
})  # fmt: skip

#: Schemes of the database servers that can hold the store.
SERVERS = ("postgresql", "mysql", "mariadb")

#: What the URL of Redis or Valkey begins with.
REDIS = ("redis", "rediss", "unix", "valkey", "valkeys")

#: Headers that the gateway or the connection makes, and what to use instead.
_NOT_PASSED = {
    "authorization": "accounts bring their own",
    "connection": "the connection makes it",
    "content-length": "the connection makes it",
    "content-type": "the upstream's wire makes it",
    "cookie": "use proxy.clearance.cf_cookies",
    "host": "the connection makes it",
    "transfer-encoding": "the connection makes it",
}


class BadValue(Exception):  # noqa: N818 - the reason a value is refused, not a failure of ours
    """Why a value is refused: what is allowed, in words that follow the key."""


def read(setting: Setting, raw: Any, *, written: bool) -> Any:
    """The value of `setting`.

    `written` values are text from a variable or a command line: lists and tables are JSON in them, or a comma list.
    Raises `BadValue`.
    """
    if written and isinstance(raw, str):
        raw = _unwrapped(setting, raw)
    return _READERS[setting.kind](setting, raw)


def _unwrapped(setting: Setting, raw: str) -> Any:
    text = raw.strip()
    match setting.kind:
        case Kind.FLAG:
            return _FLAGS.get(text.lower(), raw)
        case Kind.WHOLE | Kind.NUMBER:
            return _number_in(text)
        case Kind.TABLE:
            return _json(setting, text)
        case Kind.TEXTS | Kind.WHOLES if text.startswith("["):
            return _json(setting, text)
        case _:
            return raw


def _number_in(text: str) -> Any:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _json(setting: Setting, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadValue(f"must be a {setting.kind} as JSON") from None


def _shown(setting: Setting, raw: Any) -> str:
    if setting.about.secret or setting.about.form:
        return ""
    text = repr(raw)
    return f", not {text if len(text) <= 60 else text[:59] + '…'}"


def _flag(setting: Setting, raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise BadValue(f"must be true or false{_shown(setting, raw)}")
    return raw


def _whole(setting: Setting, raw: Any) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not _within(setting, raw):
        raise BadValue(f"must be a whole number{_limits(setting)}{_shown(setting, raw)}")
    return raw


def _number(setting: Setting, raw: Any) -> float:
    if not isinstance(raw, int | float) or isinstance(raw, bool) or not _within(setting, raw):
        raise BadValue(f"must be a number{_limits(setting)}{_shown(setting, raw)}")
    return float(raw)


def _within(setting: Setting, value: float) -> bool:
    low, high = setting.about.low, setting.about.high
    return -_LARGEST <= value <= _LARGEST and (low is None or value >= low) and (high is None or value <= high)


def _limits(setting: Setting) -> str:
    low, high = setting.about.low, setting.about.high
    if high is None:
        return "" if low is None else f" of at least {low:g}"
    return f" from {low or 0:g} to {high:g}"


def _choice(setting: Setting, raw: Any) -> str:
    by_folded = {choice.casefold(): choice for choice in setting.choices}
    found = by_folded.get(raw.strip().casefold()) if isinstance(raw, str) else None
    if found is None:
        raise BadValue(f"must be one of {', '.join(setting.choices)}{_shown(setting, raw)}")
    return found


def _text(setting: Setting, raw: Any) -> str:
    if not isinstance(raw, str):
        raise BadValue(f"must be a text{_shown(setting, raw)}")
    return FORMS[setting.about.form](raw)


def _texts(setting: Setting, raw: Any) -> tuple[str, ...]:
    items = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise BadValue("must be a comma list or an array of texts")
    checked = (FORMS[setting.about.form](item.strip()) for item in items)
    return tuple(dict.fromkeys(item for item in checked if item))


def _wholes(setting: Setting, raw: Any) -> tuple[int, ...]:
    items = [_number_in(item.strip()) for item in raw.split(",") if item.strip()] if isinstance(raw, str) else raw
    if isinstance(items, int) and not isinstance(items, bool):
        items = [items]
    if not isinstance(items, list | tuple):
        raise BadValue("must be a comma list or an array of whole numbers")
    return tuple(dict.fromkeys(_whole(setting, item) for item in items))


def _table(setting: Setting, raw: Any) -> Mapping[str, str]:
    if not isinstance(raw, Mapping) or not all(isinstance(part, str) for pair in raw.items() for part in pair):
        raise BadValue("must be a table of names and texts")
    name_of = _header_name if setting.about.form == "headers" else _plain
    value_of = _header if setting.about.form == "headers" else _plain
    return MappingProxyType({name_of(name): value_of(value) for name, value in raw.items()})


_READERS: Mapping[Kind, Callable[[Setting, Any], Any]] = {
    Kind.FLAG: _flag,
    Kind.WHOLE: _whole,
    Kind.NUMBER: _number,
    Kind.TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.TEXTS: _texts,
    Kind.WHOLES: _wholes,
    Kind.TABLE: _table,
}


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise BadValue("must not contain control characters")
    return text.strip()


def _prose(text: str) -> str:
    if _CONTROL_IN_PROSE.search(text):
        raise BadValue("must not contain control characters other than line breaks and tabs")
    return text


def _header(text: str) -> str:
    if _CONTROL.search(text):
        raise BadValue("must not contain control characters, line breaks included")
    cleaned = text.translate(_TYPOGRAPHIC).strip()
    if not cleaned.isascii():
        raise BadValue("must be plain ASCII, as every header is; copy it again from the browser")
    return cleaned


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise BadValue("must have header names made of letters, digits and dashes")
    reason = _NOT_PASSED.get(name.lower())
    if reason is not None:
        raise BadValue(f"must not name the header {name.lower()}: {reason}")
    return name


def _key(text: str) -> str:
    stripped = text.strip()
    if not stripped.isascii() or not all(char.isprintable() and char != " " for char in stripped):
        raise BadValue("must be printable ASCII without blanks, so that clients can send it in a header")
    return stripped


def _url(*schemes: str, userinfo: bool = False) -> Callable[[str], str]:
    def check(text: str) -> str:
        url = _plain(text).rstrip("/")
        if url and not _is_url(url, schemes, userinfo=userinfo):
            without = "" if userinfo else ", without user name, query or fragment"
            raise BadValue(f"must be a URL that begins with {', '.join(f'{scheme}://' for scheme in schemes)}{without}")
        return url

    return check


def _is_url(url: str, schemes: tuple[str, ...], *, userinfo: bool) -> bool:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    if any(char.isspace() for char in url) or parts.query or parts.fragment:
        return False
    return whole and (userinfo or parts.username is None)


def _origin(text: str) -> str:
    """As browsers write it: in lower case, without a default port or a path."""
    origin = _plain(text).lower().rstrip("/")
    if origin in ("", "*"):
        return origin
    if not _ORIGIN.fullmatch(origin):
        raise BadValue("must be `*` or origins as in https://chat.example:8443: scheme, host and port, and no path")
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition("://")[0], ":"))


def _store_url(text: str) -> str:
    url = _plain(text)
    scheme, slashes, rest = url.partition("://")
    if not url or (scheme == "sqlite" and rest.startswith("/") and rest[1:]):
        return url
    if slashes and scheme in SERVERS and _names_database(url):
        return url
    raise BadValue(
        f"must be sqlite:///path/to/file or a URL as in {SERVERS[0]}://user:password@host/database "
        f"({', '.join(SERVERS)}), with special characters of the password percent-encoded"
    )


def _names_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return len(parts.path) > 1 and not parts.fragment and parts.port != 0
    except ValueError:
        return False


def _redis_url(text: str) -> str:
    url = _plain(text)
    if url and not _is_redis(url):
        raise BadValue(f"must be a URL as in {REDIS[0]}://:password@host:6379/0 ({', '.join(REDIS)})")
    return url


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        there = bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return there and parts.scheme in REDIS and not any(char.isspace() for char in url)


FORMS: Mapping[Form, Callable[[str], str]] = {
    "": _plain,
    "prose": _prose,
    "header": _header,
    "key": _key,
    "http_url": _url("http", "https"),
    "ws_url": _url("ws", "wss"),
    "store_url": _store_url,
    "redis_url": _redis_url,
    "origin": _origin,
    "proxy_url": _url("http", "https", "socks4", "socks5", "socks5h", userinfo=True),
}
