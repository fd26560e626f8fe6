"""The list of models in both shapes."""

import json

import pytest
from anthropic.types import ModelInfo
from openai.types import Model

from grok2api.catalog import MODELS as CATALOG
from grok2api.catalog import Model as Row
from grok2api.catalog import Surface
from grok2api.dialects.models_list import anthropic_list, anthropic_model, openai_list, openai_model


def row(name: str, title: str = "") -> Row:
    return Row(name=name, title=title, surface=Surface.WEB_CHAT, mode="fast")


MODELS = [row(f"m{index}", f"M {index}") for index in range(5)]


def test_the_openai_list_has_a_constant_date_for_each_model():
    listed = openai_list(MODELS)
    assert listed["object"] == "list"
    assert [Model.model_validate(model, strict=True).id for model in listed["data"]] == ["m0", "m1", "m2", "m3", "m4"]
    assert {model["created"] for model in listed["data"]} == {1767225600}
    assert openai_model(row("claude-x"))["name"] == "claude-x"


def test_C5_the_anthropic_page_has_what_the_sdk_reads():
    page = anthropic_list(MODELS)
    assert (page["has_more"], page["first_id"], page["last_id"]) == (False, "m0", "m4")
    assert anthropic_model(MODELS[0]) == {
        "id": "m0",
        "type": "model",
        "display_name": "M 0",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
    }
    assert all(ModelInfo.model_validate_json(json.dumps(model), strict=True) for model in page["data"])


@pytest.mark.parametrize(
    ("cursor", "names", "more"),
    [
        ({"limit": 2}, ["m0", "m1"], True),
        ({"limit": 2, "after": "m1"}, ["m2", "m3"], True),
        ({"limit": 2, "after": "m3"}, ["m4"], False),
        ({"limit": 2, "before": "m4"}, ["m2", "m3"], True),
        ({"limit": 9, "before": "m1"}, ["m0"], False),
        ({"after": "m4"}, [], False),
        ({"after": "gone"}, ["m0", "m1", "m2", "m3", "m4"], False),
    ],
)
def test_C5_pages_follow_their_cursors(cursor, names, more):
    page = anthropic_list(MODELS, **cursor)
    assert [model["id"] for model in page["data"]] == names
    assert page["has_more"] is more
    assert (page["first_id"], page["last_id"]) == ((names[0], names[-1]) if names else (None, None))


def test_every_model_of_the_catalog_can_be_listed_in_both_shapes():
    assert len(openai_list(CATALOG)["data"]) == len(anthropic_list(CATALOG)["data"]) == len(CATALOG)
