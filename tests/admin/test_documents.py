"""The OpenAPI document and the page that shows it."""

import base64
import hashlib
import re
from pathlib import Path

import jsonschema
import pytest

from admin_calls import administration
from grok2api.admin.codes import CODES
from grok2api.admin.openapi import codes_of, document, status_of
from grok2api.admin.reference import reference, rewritten
from grok2api.admin.route import BASE
from grok2api.admin.table import ROUTES

DOCUMENT = document(ROUTES, "1.2.3")


def test_every_endpoint_is_in_the_document() -> None:
    named = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert named == {(route.method, f"{BASE}{route.path}") for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_endpoint_says_what_it_does_takes_and_answers(route) -> None:
    row = DOCUMENT["paths"][f"{BASE}{route.path}"][route.method.lower()]
    assert row["summary"].endswith(".")
    assert row["description"]
    assert {name for name in row["responses"] if name != "200"} == {str(status_of(code)) for code in codes_of(route)}
    assert ("requestBody" in row) is (route.body is not None)
    for parameter in row["parameters"]:
        assert parameter["in"] == "path" or parameter["description"], parameter["name"]


def test_every_reference_leads_to_a_valid_schema() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    names = set(re.findall(r"#/components/schemas/([\w.]+)", str(DOCUMENT)))
    assert names <= set(schemas)
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_reference_page_is_fresh() -> None:
    text = (Path(__file__).parents[2] / "docs" / "admin-api.md").read_text()
    assert rewritten(text) == text, "run `make docs`"


def test_the_reference_page_names_every_endpoint_and_code() -> None:
    text = reference()
    assert [row for row in ROUTES if f"### `{row.method} {row.path}`" not in text] == []
    assert [code for code in CODES if f"| `{code}` |" not in text] == []


def test_a_page_without_markers_is_left_alone() -> None:
    with pytest.raises(ValueError, match="markers"):
        rewritten("# a page")


async def test_the_document_is_served(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        answer = await admin.get("/openapi.json")
        assert answer.headers["content-type"] == "application/json"
        assert answer.json["info"]["version"] == "1.2.3"


async def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    async with administration(tmp_path) as admin:
        answer = await admin.get("/docs")
    page, policy = answer.body.decode(), answer.headers["content-security-policy"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"""(?:src|href)=|https?://|@import|url\(""", page)
    assert "innerHTML" not in page
    assert len(page.splitlines()) <= 300
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert (rules["default-src"], rules["connect-src"], rules["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    for element in ("script", "style"):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{element}-src"] == f"'sha256-{digest}'"
        assert f"<{element} " not in page
    assert not re.search(r"\son\w+=|\sstyle=", page)


def test_every_code_can_be_answered_by_some_endpoint() -> None:
    frame = {"method_not_allowed", "not_found"}
    assert {code for route in ROUTES for code in codes_of(route)} | frame == set(CODES)
