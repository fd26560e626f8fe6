"""The catalogue that Codex reads."""

import json

from grok2api.catalog import BY_NAME, MODELS
from grok2api.dialects.codex_models import catalogue
from grok2api.gateway.naming import Listed

#: Without any of these Codex 0.169 refuses the whole catalogue; found by leaving them out one by one.
DEMANDED = {
    "slug",
    "display_name",
    "supported_reasoning_levels",
    "shell_type",
    "visibility",
    "supported_in_api",
    "priority",
    "support_verbosity",
    "truncation_policy",
    "experimental_supported_tools",
    "base_instructions",
}


def listed(name: str, model: str = "") -> Listed:
    row = BY_NAME[model or name]
    return Listed(name, row.title, row)


def test_every_model_that_talks_is_in_it_and_no_other():
    entries = catalogue(listed(row.name) for row in MODELS)
    slugs = [entry["slug"] for entry in entries]
    assert "grok-4.20-auto" in slugs
    assert "grok-4.3-console" in slugs
    assert not any("imagine" in slug for slug in slugs)
    assert [entry["priority"] for entry in entries] == list(range(len(slugs)))
    assert all(set(entry) >= DEMANDED for entry in entries)
    assert all(entry["base_instructions"] for entry in entries)
    assert not any("context_window" in entry for entry in entries), "nobody told us one"
    json.dumps(entries)


def test_efforts_are_offered_where_a_caller_may_choose():
    chosen, fixed, agents, web = catalogue(
        listed(name) for name in ("grok-4.3-console", "grok-4.3-low", "grok-4.20-multi-agent-console", "grok-4.20-auto")
    )
    assert [level["effort"] for level in chosen["supported_reasoning_levels"]] == ["low", "medium", "high"]
    assert chosen["default_reasoning_level"] == "medium"
    assert [level["effort"] for level in agents["supported_reasoning_levels"]][-1] == "xhigh"
    assert all(level["description"] for level in agents["supported_reasoning_levels"])
    for entry in (fixed, web):
        assert entry["supported_reasoning_levels"] == []
        assert "default_reasoning_level" not in entry


def test_an_alias_is_an_entry_under_its_own_name():
    [entry] = catalogue([listed("gpt-5.5", "grok-4.3-console")])
    assert entry["slug"] == "gpt-5.5"
