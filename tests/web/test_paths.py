"""What a wrong path was meant to be."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.web.paths import Paths

EXACT = ("/v1/chat/completions", "/v1/messages", "/v1/models", "/v1/models/special", "/health")
PATHS = Paths(EXACT, [re.compile("^/v1/models/(?P<name>.*)$"), re.compile("^/v1/videos/(?P<ident>[^/]+)$")])


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/", "/v1/chat/completions"),
        ("//v1//chat//completions", "/v1/chat/completions"),
        ("/openai/deployments/x/chat/completions", "/v1/chat/completions"),
        ("/anthropic/v1/messages", "/v1/messages"),
        ("/models/", "/v1/models"),
        ("/models/a/b", "/v1/models/a/b"),
        ("/models/messages", "/v1/messages"),  # what is there exactly comes before what could be a name
        ("/api/videos/1", "/v1/videos/1"),
        ("/v1/health", "/health"),
        ("/v1/chat/completions", None),
        ("/v1/chat", None),
        ("/", None),
        ("", None),
        ("/v1", None),
        ("/" + "a/" * 20 + "messages", None),
    ],
)
def test_the_end_of_a_path_says_what_was_meant(path: str, meant: str | None) -> None:
    assert PATHS.meant(path) == meant


@given(st.lists(st.sampled_from(["v1", "api", "openai", "models", "messages", "chat", "completions", "", "x"])))
def test_what_was_meant_exists_and_is_another_path(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    meant = PATHS.meant(path)
    assert meant != path
    assert meant is None or meant in EXACT or meant.startswith(("/v1/models/", "/v1/videos/"))
