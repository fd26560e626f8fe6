"""Arguments against schemas, good and bad ones."""

import json
from typing import Any

import pytest

from grok2api.canonical.request import Tool
from grok2api.tools.validate import check

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "arguments", "reason"),
    [
        (CITY, '{"city":"Oslo"}', None),
        (CITY, '{"city":7}', "$.city: 7 is not of type 'string'"),
        (CITY, "{}", "'city' is a required property"),
        (CITY, '{"city":"Oslo","x":1}', "Additional properties are not allowed ('x' was unexpected)"),
        (CITY, "[]", "the arguments must be one JSON object"),
        (None, "{}", None),
        (None, "7", "the arguments must be one JSON object"),
        ({"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, '{"a":1}', None),
        ({"$defs": {"n": {"type": "integer"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}, '{"a":"1"}', "integer"),
    ],
)
def test_a_reason_is_given_when_the_schema_has_one(schema: Any, arguments: str, reason: str | None) -> None:
    found = check(Tool("f", schema=schema), arguments)
    assert (found is None) if reason is None else (found is not None and reason in found)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no such type"},
        {"properties": 7},
        {"properties": {"a": {"$ref": "https://example.invalid/schema.json"}}},
        {"properties": {"a": {"$ref": "#/nowhere"}}},
        {"properties": {"a": {"pattern": "("}}},
        {"$ref": "#"},
    ],
)
def test_a_schema_that_cannot_judge_judges_nothing(schema: Any) -> None:
    assert check(Tool("f", schema=schema), '{"a":"x"}') is None


@pytest.mark.parametrize("arguments", ['{"a":NaN}', "{", "", '{"a":' * 50])
def test_what_is_no_json_says_so(arguments: str) -> None:
    assert "not valid JSON" in (check(Tool("f"), arguments) or "")


def test_free_text_is_always_right() -> None:
    assert check(Tool("f", custom=True, schema=CITY), "anything") is None


def test_reasons_are_bounded() -> None:
    assert len(check(Tool("f", schema=CITY), json.dumps({"city": ["x" * 5_000]})) or "") <= 300
