"""The reference in docs/admin-api.md, made from the table: `python -m grok2api.admin.reference docs/admin-api.md`.

Only the text between the two markers is replaced; a test compares it with the table.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grok2api.admin.codes import CODES
from grok2api.admin.openapi import COMMON, OF_BODIES, document, status_of
from grok2api.admin.route import BASE, Route
from grok2api.admin.table import ROUTES
from grok2api.pages import between

BEGIN = "<!-- Made from the table of endpoints by `make docs`; do not edit up to the end mark. -->"
END = "<!-- End of the reference. -->"

_DOCUMENT = document(ROUTES, "")
_SHAPES: Mapping[str, Mapping[str, Any]] = _DOCUMENT["components"]["schemas"]


def reference() -> str:
    """Every endpoint with its parameters, body and answer; then the shapes that they share, then the codes."""
    lines: list[str] = []
    group = ""
    for row in ROUTES:
        if row.group != group:
            group = row.group
            lines += [f"## {group.capitalize()}", ""]
        lines += _endpoint(row)
    lines += ["## Shapes", "", "What the tables above name.", ""]
    for name in sorted(_shared()):
        lines += _shape(name)
    lines += ["## Codes", "", *_codes()]
    return "\n".join(lines)


def _endpoint(row: Route) -> Iterator[str]:
    operation = _DOCUMENT["paths"][f"{BASE}{row.path}"][row.method.lower()]
    yield from (f"### `{row.method} {row.path}`", "", f"{row.says} {operation['description']}", "")
    if operation["parameters"]:
        yield from ("| parameter | type | default | meaning |", "|---|---|---|---|")
        yield from map(_parameter, operation["parameters"])
        yield ""
    if "requestBody" in operation:
        ((kind, content),) = operation["requestBody"]["content"].items()
        yield from _value("Body", kind, content["schema"])
    for kind, content in operation["responses"]["200"]["content"].items():
        yield from _value("Answer", kind, content["schema"])
    if row.codes:
        yield from (f"Refused with {', '.join(f'`{code}`' for code in row.codes)}.", "")


def _parameter(parameter: Mapping[str, Any]) -> str:
    schema = parameter["schema"]
    where = "in the path" if parameter["in"] == "path" else parameter["description"]
    return f"| `{parameter['name']}` | {_words(schema)} | {_default(schema)} | {_cell(where)} |"


def _value(what: str, kind: str, schema: Mapping[str, Any]) -> Iterator[str]:
    name = _name(schema)
    if kind != "application/json":
        yield from (f"{what}: `{kind}`.", "")
    elif not name:
        yield from (f"{what}: {_words(schema)}.", "")
    else:
        shape = _SHAPES[name]
        yield from (f"{what}: {_line(shape.get('description', ''))}", "", *_fields(shape), "")


def _shape(name: str) -> Iterator[str]:
    shape = _SHAPES[name]
    yield from (f"### {name}", "", _line(shape.get("description", "")), "")
    if "enum" in shape:
        yield from (f"One of {', '.join(f'`{value}`' for value in shape['enum'])}.", "")
    else:
        yield from (*_fields(shape), "")


def _fields(shape: Mapping[str, Any]) -> Iterator[str]:
    if not shape.get("properties"):
        return
    yield from ("| field | type | default |", "|---|---|---|")
    for name, schema in shape["properties"].items():
        yield f"| `{name}` | {_words(schema)} | {'' if name in shape.get('required', ()) else _default(schema)} |"


def _words(schema: Mapping[str, Any]) -> str:
    name = _name(schema)
    if name:
        values = _SHAPES[name].get("enum")
        return " ".join(f"`{value}`" for value in values) if values else f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(_words, schema["anyOf"]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_words(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_words(schema['additionalProperties'])}"
    limits = [f"{sign} {schema[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    return " ".join([kind if isinstance(kind, str) else " or ".join(kind), *limits])


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    if "default" not in schema:
        return ""
    return "none" if value is None else "empty" if value in ("", (), [], {}) else f"`{str(value).lower()}`"


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def _shared() -> set[str]:
    """The shapes that stand inside others: those that are whole bodies and answers are shown where they belong."""
    inside: set[str] = set()

    def look(schema: Any) -> None:
        if isinstance(schema, Mapping):
            name = _name(schema)
            if name and name not in inside and "enum" not in _SHAPES[name]:
                inside.add(name)
                look(_SHAPES[name].get("properties", {}))
            for value in schema.values():
                look(value)
        elif isinstance(schema, list | tuple):
            for item in schema:
                look(item)

    for shape in _SHAPES.values():
        look(shape.get("properties", {}))
    for route in ROUTES:
        content = _DOCUMENT["paths"][f"{BASE}{route.path}"][route.method.lower()].get("requestBody", {})
        look([part["schema"].get("items", {}) for part in content.get("content", {}).values()])
    return inside


def _codes() -> Iterator[str]:
    everywhere = {*COMMON, "not_found", "method_not_allowed"}
    yield from ("| code | status | meaning | where |", "|---|---|---|---|")
    for code, row in CODES.items():
        where = "everywhere" if code in everywhere else "with a body" if code in OF_BODIES else "as said above"
        yield f"| `{code}` | {status_of(code)} | {_cell(row.says)} | {where} |"
    yield ""


def rewritten(page: str) -> str:
    """The page with a fresh reference. Raises `ValueError` when it has no markers."""
    return between(page, BEGIN, END, reference())


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(rewritten(target.read_text("utf-8")), "utf-8")
