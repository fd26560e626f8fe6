"""From the bytes of a call to typed values, with the field at fault named in every refusal.

Pure. Unknown fields and parameters are ignored, `null` is the same as absent, and nothing of what was sent is repeated
in a refusal: it may be a token.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec

from grok2api.admin.codes import CODES, refuse
from grok2api.canonical.problem import Refusal
from grok2api.dialects.reading import parse_any

#: The query parameter that may hold the admin key. It is read by `access` and by nobody else.
KEY_PARAMETER = "app_key"

_MOST_PARAMETERS = 100

#: The pools of a body that names them as its members.
_POOLS = frozenset({"basic", "super", "heavy", "api"})

_WHERE = re.compile(r" - at `\$(?P<path>.*)`$")
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_EXPECTED = re.compile(r"Expected `(?P<type>[^`]*)`(?:, got `\w+`)?(?P<rest>.*)", re.DOTALL)

_WORDS: Mapping[str, str] = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def parameters(raw: bytes) -> dict[str, str]:
    """The query parameters, the key among them; of a repeated one the first. Raises `Refusal`."""
    try:
        pairs = parse_qsl(raw.decode("latin-1"), max_num_fields=_MOST_PARAMETERS, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise refuse("invalid_value", "The query string cannot be read") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def query(found: Mapping[str, str], kind: Any) -> Any:
    """The parameters as the struct `kind`; an empty one counts as absent. Raises `Refusal`."""
    if kind is None:
        return None
    for name, value in found.items():
        if name in kind.__struct_fields__ and "\0" in value:
            raise refuse(_code(name), f"{name} must not hold a NUL character", name)
    return _converted(dict(found), kind, strict=False)


def body(raw: bytes, kind: Any) -> Any:
    """The body as a value of `kind`; an empty one is an empty object. Raises `Refusal`."""
    if kind is None:
        return None
    if kind is bytes:
        return raw
    value = parse_any(raw or b"{}")
    if b"\\u0000" in raw:
        raise refuse("invalid_value", "Texts must not hold NUL characters")
    if isinstance(value, dict) and _is_struct(kind):
        value = {name: item for name, item in value.items() if item is not None}
    return _converted(value, kind, strict=True)


def _converted(value: Any, kind: Any, *, strict: bool) -> Any:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise _explained(str(error), kind) from None


def _explained(said: str, kind: Any) -> Refusal:
    """The library's complaint in our words, with the field as callers spell it."""
    where = _WHERE.search(said)
    path = re.sub(r"\[(\d+)\]", r".\1", where["path"]).replace("[...]", "").strip(".") if where else ""
    said = said[: where.start()] if where else said
    missing, unknown = _MISSING.match(said), _UNKNOWN.match(said)
    if missing is not None:
        path = f"{path}.{missing['name']}".strip(".")
        return refuse("missing_required_parameter", f"{path} is required", path)
    if unknown is not None:
        return refuse("invalid_pool", "There is no such pool; the pools are basic, super, heavy, api", "pool")
    named = [part for part in path.split(".") if part and not part.isdigit()]
    code = _code(named[-1]) if named else "invalid_json"
    return refuse(code, f"{path or 'The body'} must be {_wanted(said, path, kind)}", path or None)


def _code(name: str) -> str:
    """The code for a field or parameter that is wrong."""
    if name in _POOLS:
        return "invalid_pool_payload"
    return f"invalid_{name}" if f"invalid_{name}" in CODES else "invalid_value"


def _wanted(said: str, path: str, kind: Any) -> str:
    choices = _choices(path, kind)
    if choices:
        return f"one of {', '.join(choices)}"
    expected = _EXPECTED.match(said)
    if expected is None:
        return "something else"
    words = [_WORDS.get(name, name) for name in expected["type"].split(" | ") if name != "null"]
    return f"{' or '.join(words)}{expected['rest']}".replace(">=", "of at least").replace("<=", "of at most")


def _choices(path: str, kind: Any) -> tuple[str, ...]:
    """The values that a field of `kind` may have, when they are a list."""
    if not _is_struct(kind):
        return ()
    hint = get_type_hints(kind).get(path)
    for option in get_args(hint) or (hint,):
        if isinstance(option, type) and issubclass(option, Enum):
            return tuple(str(member.value) for member in option)
        if get_origin(option) is Literal:
            return tuple(map(str, get_args(option)))
    return tuple(map(str, get_args(hint))) if get_origin(hint) is Literal else ()


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
