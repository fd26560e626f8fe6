"""Arguments against a tool's JSON schema.

Says a reason or nothing. A schema that is itself broken, or that points to something we would have to
fetch, judges nothing: it is the client's, and its tool will judge for itself. Never fetches anything.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from jsonschema.exceptions import SchemaError, UnknownType, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from grok2api.canonical.request import Tool

_LONGEST_REASON = 300
_NOTHING: Registry[Any] = Registry()


def check(tool: Tool, arguments: str) -> str | None:
    """Why `arguments` (JSON text) are wrong for `tool`; None when they are right. Free text always is."""
    if tool.custom:
        return None
    try:
        value = json.loads(arguments, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return f"the arguments are not valid JSON: {error}"
    if not isinstance(value, dict):
        return "the arguments must be one JSON object"
    return None if tool.schema is None else violation(tool.schema, value)


def violation(schema: Mapping[str, Any], value: Any) -> str | None:
    """How `value` violates `schema`, in words; None when it does not or the schema cannot judge."""
    try:
        validator = _compiled(msgspec.json.encode(schema))
        error = None if validator is None else best_match(validator.iter_errors(value))
    except (Unresolvable, UnknownType, re.error, TypeError, ValueError, OverflowError, RecursionError):
        return None
    if error is None:
        return None
    where = f"{error.json_path}: " if error.path else ""
    return f"{where}{error.message}"[:_LONGEST_REASON]


@lru_cache(maxsize=256)
def _compiled(schema: bytes) -> Validator | None:
    """Compiling and checking a schema costs milliseconds, and a client sends the same ones every turn."""
    parsed = json.loads(schema)
    kind = validator_for(parsed, default=Draft202012Validator)
    try:
        kind.check_schema(parsed)
    except SchemaError:
        return None
    validator: Validator = kind(parsed, registry=_NOTHING)
    return validator


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
