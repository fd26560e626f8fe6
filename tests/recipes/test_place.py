"""Which gateway is meant, and which key may go there."""

import pytest

from grok2api.recipes.place import Place, place, root

OWN = ["https://grok.example/x", "http://127.0.0.1:8000"]


def where(*, given=(), environ=(), own=OWN, keys=("configured",)):
    return place(dict(given), dict(environ), own, keys, "data/config.toml")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://h:8000", "http://h:8000"),
        ("http://h:8000/", "http://h:8000"),
        ("http://h:8000/v1", "http://h:8000"),
        (" https://h/grok/v1/ ", "https://h/grok"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
    ],
)
def test_an_address_may_be_written_in_any_form(written, meant):
    assert root(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", "h:8000", "127.0.0.1:8000", "ftp://h", "http://", "http://h:x", "http://[h", "http://me:pw@h", "http://h?a=b"],
)
def test_what_is_no_address_is_refused(written):
    with pytest.raises(ValueError, match="address") as error:
        root(written)
    assert "pw" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "environ", "url", "key", "source"),
    [
        ({}, {}, "https://grok.example/x", "configured", "app.api_key (data/config.toml)"),
        (
            {"--url": "http://127.0.0.1:8000/v1"},
            {},
            "http://127.0.0.1:8000",
            "configured",
            "app.api_key (data/config.toml)",
        ),
        ({"--url": "http://localhost:9"}, {}, "http://localhost:9", "configured", "app.api_key (data/config.toml)"),
        ({"--url": "http://elsewhere"}, {}, "http://elsewhere", "", ""),
        ({}, {"GROK2API_URL": "http://elsewhere"}, "http://elsewhere", "", ""),
        ({"--url": "http://elsewhere", "--key": "k"}, {}, "http://elsewhere", "k", "--key"),
        ({"--url": "http://elsewhere"}, {"GROK2API_KEY": "e"}, "http://elsewhere", "e", "GROK2API_KEY"),
        ({"--key": "k"}, {"GROK2API_KEY": "e"}, "https://grok.example/x", "k", "--key"),
        ({}, {"GROK2API_KEY": "e"}, "https://grok.example/x", "e", "GROK2API_KEY"),
        ({"--url": "http://a"}, {"GROK2API_URL": "http://b"}, "http://a", "", ""),
    ],
)
def test_a_configured_key_goes_to_no_other_gateway(given, environ, url, key, source):
    assert where(given=given, environ=environ) == Place(url, key, source)


def test_an_open_gateway_needs_no_key():
    assert where(keys=()) == Place("https://grok.example/x")


@pytest.mark.parametrize("key", ["two words", "a\nb", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(key):
    with pytest.raises(ValueError, match="--key") as error:
        where(given={"--key": key})
    assert key not in str(error.value)


def test_a_place_does_not_show_its_key():
    assert "configured" not in repr(where())


@pytest.mark.parametrize(("url", "near"), [("http://[::1]:1", True), ("http://127.0.0.1", True), ("http://h", False)])
def test_near_is_this_machine(url, near):
    assert Place(url).near is near
