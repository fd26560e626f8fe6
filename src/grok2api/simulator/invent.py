"""JSON that satisfies a JSON schema, made from what the user said.

Pure and deterministic. Covers what tool and answer schemas use: types, enums, constants, defaults, ranges,
lengths, formats, common patterns, arrays, nested objects, `$ref`, `anyOf`, `oneOf`, `allOf`. The n-th value
of several takes the n-th hint, so that parallel calls differ.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

_FORMATS: Mapping[str, str] = {
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05Z",
    "time": "03:04:05Z",
    "duration": "PT1H",
    "email": "someone@example.org",
    "hostname": "example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.org/",
    "url": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000001",
}
_PATTERN_TRIES = (
    "a",
    "A",
    "1",
    "abc",
    "ABC",
    "123",
    "a-1",
    "a_b",
    "2026-01-02",
    "12:30",
    "AB12",
    "+4712345678",
    "#a0b1c2",
)
_PLACE = re.compile(r"\b(?:in|for|of|at|and|,|near|to)\s+([A-Z][\w'-]+(?:\s[A-Z][\w'-]+)*)")
_CAPITAL = re.compile(r"(?<=[a-z,] )([A-Z][\w'-]+)")
_PATH = re.compile(r"(?<![\w:/])(~?(?:\.{0,2}/)?[\w.-]*[\w-]+(?:/[\w.-]+)+|[\w-]+\.[a-z]{1,5})\b")
_URL = re.compile(r"https?://\S+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TICKED = re.compile(r"`([^`]+)`")
_QUOTED = re.compile(r"[\"“']([^\"”']{1,200})[\"”']")
_MEMBER = r"""[`"']\w{1,64}[`"']"""
_SEVERAL = rf"{_MEMBER}(?:(?:,? and|,? or|,) {_MEMBER})*"
_MEMBERS = re.compile(rf"(?i){_SEVERAL} (?:keys?|fields?|members?)\b|\b(?:keys?|fields?|members?):? {_SEVERAL}")
_TICK_OR_QUOTE = re.compile(r"""[`"'](\w{1,64})[`"']""")
_DEPTH = 8


#: words of a property's name -> where in the user's text its value may stand.
_HINTS: tuple[tuple[tuple[str, ...], tuple[Callable[[str], list[str]], ...]], ...] = (
    (("city", "location", "place", "town", "country"), (_PLACE.findall, _CAPITAL.findall)),
    (("url", "uri", "link"), (_URL.findall,)),
    (("path", "file", "filename", "dir"), (_PATH.findall, _TICKED.findall)),
    (("command", "cmd", "code", "script"), (_TICKED.findall, _QUOTED.findall)),
    (("name", "title", "subject"), (_QUOTED.findall, _CAPITAL.findall)),
)
_FALLBACKS: Mapping[str, str] = {
    "city": "Oslo",
    "location": "Oslo",
    "country": "Norway",
    "command": "echo hello",
    "cmd": "echo hello",
    "path": "README.md",
    "file": "README.md",
    "url": "https://example.org/",
}


def value_for(schema: Any, text: str, nth: int = 0) -> Any:
    """A value that satisfies `schema`; what the schema leaves open comes from `text`."""
    value = _Maker(schema, text, nth).make(schema, "", 0)
    return value if _satisfies(schema, value) else _minimal(schema, text, nth, value)


def hints(text: str) -> int:
    """How many different values a text offers (for parallel calls)."""
    return len(dict.fromkeys([*_PLACE.findall(text), *_CAPITAL.findall(text)]))


def _satisfies(schema: Any, value: Any) -> bool:
    try:
        return bool(Draft202012Validator(schema).is_valid(value)) if isinstance(schema, dict) else schema is not False
    except (SchemaError, re.error, RecursionError):
        return False


def _minimal(schema: Any, text: str, nth: int, full: Any) -> Any:
    """Only the required members, when all of them together do not fit."""
    if not isinstance(schema, dict) or not isinstance(full, dict):
        return full
    required = schema.get("required") or []
    small = {name: full[name] for name in required if name in full}
    return small if _satisfies(schema, small) else full


class _Maker:
    def __init__(self, root: Any, text: str, nth: int) -> None:
        self._root, self._text, self._nth = root, text, nth

    def make(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, Mapping) or depth > _DEPTH:
            return self._string({}, name)
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._choice(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                rest = {k: v for k, v in schema.items() if k != key}
                return self.make(_merged(rest, self._resolved(self._best(schema[key]))), name, depth + 1)
        if schema.get("allOf"):
            merged: Mapping[str, Any] = {k: v for k, v in schema.items() if k != "allOf"}
            for part in schema["allOf"]:
                merged = _merged(merged, self._resolved(part))
            return self.make(merged, name, depth + 1)
        return self._typed(schema, name, depth)

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        seen = 0
        while isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str) and seen < _DEPTH:
            seen += 1
            target: Any = self._root
            for step in schema["$ref"].lstrip("#").strip("/").split("/"):
                step = step.replace("~1", "/").replace("~0", "~")
                target = target.get(step, {}) if isinstance(target, Mapping) and step else target
            schema = target
        return schema if isinstance(schema, Mapping) else {}

    def _best(self, options: list[Any]) -> Any:
        """The first that is not null."""
        return next(
            (one for one in options if not (isinstance(one, Mapping) and one.get("type") == "null")), options[0]
        )

    def _choice(self, values: list[Any]) -> Any:
        said = self._text.lower()
        return next((one for one in values if isinstance(one, str) and one and one.lower() in said), values[0])

    def _typed(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        kinds = schema.get("type")
        kind = next((one for one in kinds if one != "null"), "null") if isinstance(kinds, list) else kinds
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer" | "number":
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return bool(schema.get("default", True))
            case "null":
                return None
            case _:
                return self._string(schema, name)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        wanted = [name for name in properties if name in required or (depth < 3 and self._is_meant(properties[name]))]
        made = {name: self.make(properties[name], name, depth + 1) for name in wanted}
        open_members = schema.get("additionalProperties", True)
        made |= {name: self.make(open_members, name, depth + 1) for name in required if name not in made}
        if not made and "properties" not in schema and depth == 0 and open_members is not False:
            made = {name: self._string({}, name) for name in _named_members(self._text)}
            made = made or {"answer": self._text or "nothing"}
        return made

    def _is_meant(self, schema: Any) -> bool:
        """Whether an optional member would be given: no switch that nobody asked for, no number that nobody said."""
        kind = self._resolved(schema).get("type")
        return kind != "boolean" and (kind not in ("integer", "number") or _NUMBER.search(self._text) is not None)

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        prefix = [self.make(one, name, depth + 1) for one in schema.get("prefixItems") or []]
        least = max(1, int(schema.get("minItems", 1))) - len(prefix)
        most = int(schema.get("maxItems", 1 << 30))
        items = schema.get("items", {})
        more = [] if items is False else [self.make(items, name, depth + 1) for _ in range(min(max(0, least), 64))]
        if schema.get("uniqueItems"):
            more = [
                f"{one}{at or ''}" if isinstance(one, str) else one + at if isinstance(one, int) else one
                for at, one in enumerate(more)
            ]
        return (prefix + more)[:most]

    def _number(self, schema: Mapping[str, Any], *, whole: bool) -> int | float:
        found = _NUMBER.findall(self._text)
        value = float(found[min(self._nth, len(found) - 1)]) if found else float(schema.get("default") or 1)
        step = float(schema.get("multipleOf") or (1 if whole else 0))
        tiny = step or 0.5
        low = schema.get("minimum", _shift(schema.get("exclusiveMinimum"), tiny))
        high = schema.get("maximum", _shift(schema.get("exclusiveMaximum"), -tiny))
        value = value if low is None else max(value, float(low))
        value = value if high is None else min(value, float(high))
        if step:
            value = -(-value // step) * step
            value = value - step if high is not None and value > high else value
        return int(value) if whole or value.is_integer() else value

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        value = self._hinted(schema, name)
        pattern = schema.get("pattern")
        if pattern:
            value = next((one for one in (value, *_PATTERN_TRIES) if _matches(pattern, one)), value)
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
        value = value if len(value) >= least else value + "x" * (least - len(value))
        return value if most is None else value[: int(most)]

    def _hinted(self, schema: Mapping[str, Any], name: str) -> str:
        words = set(re.split(r"[_\-\s]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
        for names, finders in _HINTS:
            if words & set(names):
                found = list(dict.fromkeys(one for finder in finders for one in finder(self._text)))
                if found:
                    return found[min(self._nth, len(found) - 1)]
        if isinstance(schema.get("default"), str):
            return str(schema["default"])
        examples = schema.get("examples")
        if isinstance(examples, list) and examples and isinstance(examples[0], str):
            return examples[0]
        fallback = next((_FALLBACKS[word] for word in words if word in _FALLBACKS), None)
        return fallback or self._text.strip() or "something"


def _named_members(text: str) -> list[str]:
    """Members of an object that the words ask for: “JSON with the keys 'name' and 'age'”, “with 'a' and 'b' fields”."""
    return [name for found in _MEMBERS.finditer(text) for name in _TICK_OR_QUOTE.findall(found[0])]


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    merged = {**one, **other}
    if "properties" in one and "properties" in other:
        merged["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        merged["required"] = [*one["required"], *other["required"]]
    return merged


def _shift(value: Any, by: float) -> float | None:
    return float(value) + by if isinstance(value, int | float) and not isinstance(value, bool) else None


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True
