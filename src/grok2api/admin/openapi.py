"""The OpenAPI document of the admin API, made from the table of endpoints and the types of their handlers. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from grok2api.admin.codes import CODES
from grok2api.admin.route import BASE, Events, Page, Pieces, Route
from grok2api.dialects.openai_errors import ROWS

#: Codes that every endpoint may answer, and those of endpoints with a body.
COMMON = ("invalid_api_key", "invalid_value", "draining", "internal_error")
OF_BODIES = (
    "invalid_json",
    "duplicate_key",
    "missing_required_parameter",
    "request_body_too_large",
    "unsupported_encoding",
    "invalid_encoding",
    "request_timeout",
)

_ABOUT = """\
Accounts, configuration and state of a running grok2api gateway. Every call needs the admin key, as
`Authorization: Bearer KEY` or `?app_key=KEY`. Wherever a token is taken, the id of an account is taken too."""

_ERROR: Mapping[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code", "param", "status"],
            "properties": {
                "message": {"type": "string", "description": "What went wrong and what to do."},
                "type": {"type": "string"},
                "code": {"type": "string", "description": "The stable word to match on."},
                "param": {"type": ["string", "null"], "description": "The field at fault."},
                "status": {"type": "integer"},
            },
        }
    },
}

_REF = "#/components/schemas/{name}"


def codes_of(row: Route) -> tuple[str, ...]:
    """Every code that this endpoint may answer."""
    return tuple(dict.fromkeys((*COMMON, *(OF_BODIES if row.body is not None else ()), *row.codes)))


def status_of(code: str) -> int:
    """The HTTP status of a code."""
    return ROWS[CODES[code].kind].status


def names_in(path: str) -> list[str]:
    """The names that a path holds places for."""
    return re.findall(r"\{(\w+)\}", path)


def document(table: Sequence[Route], version: str) -> dict[str, Any]:
    """The whole document."""
    schemas = _Schemas(table)
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for row in table:
        paths[f"{BASE}{row.path}"][row.method.lower()] = _operation(row, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "grok2api admin API", "version": version, "description": _ABOUT},
        "security": [{"header": []}, {"query": []}],
        "tags": [{"name": name} for name in dict.fromkeys(row.group for row in table)],
        "paths": dict(paths),
        "components": {
            "schemas": {**schemas.components, "Error": _ERROR},
            "securitySchemes": {
                "header": {"type": "http", "scheme": "bearer", "description": "The admin key."},
                "query": {"type": "apiKey", "in": "query", "name": "app_key", "description": "The admin key."},
            },
        },
    }


class _Schemas:
    """JSON schemas of every type that the table uses."""

    def __init__(self, table: Sequence[Route]) -> None:
        kinds = [kind for row in table for kind in (row.query, row.body, row.answer) if _has_schema(kind)]
        found, self.components = msgspec.json.schema_components(kinds, ref_template=_REF)
        self._found = list(zip(kinds, found, strict=True))

    def of(self, kind: Any) -> Mapping[str, Any]:
        """The schema of a type, mostly a reference."""
        return next(schema for known, schema in self._found if known == kind)

    def whole(self, kind: Any) -> Mapping[str, Any]:
        """The schema of a struct itself."""
        found: Mapping[str, Any] = self.components[self.of(kind)["$ref"].rpartition("/")[2]]
        return found


def _has_schema(kind: Any) -> bool:
    return kind not in (None, bytes, Page, Pieces, Events)


def _operation(row: Route, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": row.handler.__name__,
        "tags": [row.group],
        "summary": row.says,
        "description": (row.handler.__doc__ or "").strip(),
        "parameters": list(_parameters(row, schemas)),
        "responses": _responses(row, schemas),
    }
    if row.body is not None:
        operation["requestBody"] = {"required": _needs_body(row, schemas), "content": _body(row, schemas)}
    return operation


def _parameters(row: Route, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    for name in names_in(row.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    if row.query is None:
        return
    whole = schemas.whole(row.query)
    for name, schema in whole["properties"].items():
        plain = {key: value for key, value in schema.items() if key != "description"}
        yield {
            "name": name,
            "in": "query",
            "required": name in whole.get("required", ()),
            "description": schema.get("description", ""),
            "schema": plain,
        }


def _body(row: Route, schemas: _Schemas) -> dict[str, Any]:
    if row.body is bytes:
        return {"text/plain": {"schema": {"type": "string"}}}
    return {"application/json": {"schema": schemas.of(row.body)}}


def _needs_body(row: Route, schemas: _Schemas) -> bool:
    if row.body is bytes:
        return True
    schema = schemas.of(row.body)
    return "$ref" not in schema or bool(schemas.whole(row.body).get("required"))


def _answer(row: Route, media: str, schemas: _Schemas) -> Mapping[str, Any]:
    if _has_schema(row.answer):
        return schemas.of(row.answer)
    return {"type": "object"} if media == "application/json" else {"type": "string"}


def _responses(row: Route, schemas: _Schemas) -> dict[str, Any]:
    content = {media: {"schema": _answer(row, media, schemas)} for media in row.media}
    found: dict[str, Any] = {"200": {"description": row.says, "content": content}}
    by_status: defaultdict[int, list[str]] = defaultdict(list)
    for code in codes_of(row):
        by_status[status_of(code)].append(code)
    for status, codes in sorted(by_status.items()):
        words = "\n".join(f"* `{code}`: {CODES[code].says}" for code in codes)
        error = {"application/json": {"schema": {"$ref": _REF.format(name="Error")}}}
        found[str(status)] = {"description": words, "content": error}
    return found
