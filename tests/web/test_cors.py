"""Which pages of other origins are let in."""

import pytest

from grok2api.web.cors import judge

PAGE = b"https://chat.example"
HERE = ("https://chat.example", "app://obsidian.md")
VARY = (b"vary", b"Origin")
EXPOSED = b"x-request-id, request-id, retry-after, x-should-retry, x-grok2api-model, x-grok2api-ignored"


def asked(path: str = "/v1/messages", method: str = "POST", **headers: bytes) -> dict[str, object]:
    named = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return {"path": path, "method": method, "headers": named}


def told(scope: dict[str, object], origins: tuple[str, ...]) -> tuple[dict[bytes, bytes], bool] | None:
    verdict = judge(scope, origins)
    return None if verdict is None else (dict(verdict.headers), verdict.preflight)


@pytest.mark.parametrize(
    ("origins", "path"),
    [((), "/v1/messages"), (HERE, "/admin/api/tokens"), (("*",), "/admin/api/tokens"), (("*",), "/"), (("*",), "/v1")],
)
def test_nothing_is_said_where_nothing_is_open(origins: tuple[str, ...], path: str) -> None:
    assert told(asked(path, origin=PAGE), origins) is None
    preflight = asked(path, "OPTIONS", origin=PAGE, access_control_request_method=b"GET")
    assert told(preflight, origins) is None


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/models/grok-4", "/health", "/meta"])
def test_an_allowed_page_may_read(path: str) -> None:
    marks = {
        b"access-control-allow-origin": PAGE,
        b"vary": b"Origin",
        b"access-control-expose-headers": EXPOSED,
    }
    assert told(asked(path, origin=PAGE), HERE) == (marks, False)
    everyone = {b"access-control-allow-origin": b"*", b"access-control-expose-headers": EXPOSED}
    assert told(asked(path, origin=b"null"), ("*",)) == (everyone, False)
    assert told(asked(path), ("*",)) == (everyone, False)


@pytest.mark.parametrize(
    "origin",
    [b"https://chat.example.evil.example", b"http://chat.example", b"https://chat.example:8443", b"null", b"", b"\xff"],
)
def test_another_page_may_not_and_caches_are_told_that_it_matters(origin: bytes) -> None:
    assert told(asked(origin=origin), HERE) == (dict([VARY]), False)
    preflight = asked(method="OPTIONS", origin=origin, access_control_request_method=b"POST")
    assert told(preflight, HERE) == (dict([VARY]), False)
    assert told(asked(), HERE) == (dict([VARY]), False)


def test_a_preflight_is_told_what_the_page_may_send() -> None:
    names = b"authorization,content-type,x-stainless-lang"
    scope = asked(
        method="OPTIONS", origin=PAGE, access_control_request_method=b"POST", access_control_request_headers=names
    )
    found = told(scope, HERE)
    assert found == (
        {
            b"access-control-allow-origin": PAGE,
            b"vary": b"Origin",
            b"access-control-allow-methods": b"GET, HEAD, POST, DELETE, OPTIONS",
            b"access-control-max-age": b"86400",
            b"access-control-allow-headers": names,
        },
        True,
    )


@pytest.mark.parametrize("names", [b"", b"a" * 4097, b"a\r\nset-cookie: x", b"a;b", b"\xe9"])
def test_nothing_but_a_list_of_names_is_repeated(names: bytes) -> None:
    scope = asked(
        method="OPTIONS", origin=PAGE, access_control_request_method=b"POST", access_control_request_headers=names
    )
    found = told(scope, ("*",))
    assert found is not None
    assert found[1]
    assert b"access-control-allow-headers" not in found[0]


def test_options_that_are_no_preflight_are_served() -> None:
    found = told(asked(method="OPTIONS", origin=PAGE), HERE)
    assert found is not None
    assert not found[1]
