"""OpenAI's own API description as a judge of what the dialects write.

The description lies beside the repository, not in it; where it is absent, tests that need it skip themselves.
Lenient where JSON Schema and the description differ: `oneOf` is read as `anyOf` (its members overlap), the older
`nullable` allows null, and other keywords that only OpenAPI knows mean nothing.
"""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SPEC = Path(__file__).parent.parent / "../shared/data/openai-openapi.json.gz"

needs_spec = pytest.mark.skipif(not SPEC.exists(), reason="the OpenAI API description is not beside the repository")


@cache
def _schemas() -> dict[str, Any]:
    description = json.loads(gzip.decompress(SPEC.read_bytes()))
    return {name: _plain(schema) for name, schema in description["components"]["schemas"].items()}


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {"anyOf" if key == "oneOf" else key: _plain(value) for key, value in node.items() if key != "discriminator"}
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


@cache
def _validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": {"schemas": _schemas()}}
    )


@cache
def stream_events() -> dict[str, str]:
    """The `type` of each Responses event -> the name of its schema."""
    names = [choice["$ref"].rpartition("/")[2] for choice in _schemas()["ResponseStreamEvent"]["anyOf"]]
    return {_schemas()[name]["properties"]["type"]["enum"][0]: name for name in names}


def validate(name: str, instance: Any) -> None:
    """Raise `AssertionError` with every fault of `instance` as the schema `name`."""
    faults = [f"{error.json_path}: {error.message[:300]}" for error in _deepest(_validator(name).iter_errors(instance))]
    assert not faults, f"{name}: " + "; ".join(faults)


def _deepest(errors: Any) -> Any:
    for error in errors:
        yield from [error, *(sub for sub in error.context or () if sub.schema_path[-1] != "enum")][:8]
