"""The lean client's own wire: what goes out, and what it refuses to send."""

import pytest

from grok2api.transport.wire import head_of
from grok2api.upstreams.base import HttpCall


def call(**changes: object) -> HttpCall:
    values = {
        "method": "POST",
        "url": "https://user@example.test:8443/a/b?c=d",
        "headers": {"X-One": "1"},
        "body": b"ok",
    }
    return HttpCall(**(values | changes))  # type: ignore[arg-type]


def test_the_head_of_a_call() -> None:
    assert head_of(call(), "gzip").split(b"\r\n") == [
        b"POST /a/b?c=d HTTP/1.1",
        b"Host: example.test:8443",
        b"X-One: 1",
        b"Accept-Encoding: gzip",
        b"Content-Length: 2",
        b"",
        b"",
    ]
    assert b"Content-Length" not in head_of(call(method="GET", body=b""), "gzip")
    assert b"Content-Length: 0" in head_of(call(body=b""), "gzip")
    assert b"gzip" not in head_of(call(headers={"accept-encoding": "br"}), "gzip")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_Z6_a_header_cannot_break_out_of_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        head_of(call(headers={"X-One": value}), "gzip")


def test_what_latin_1_cannot_say_is_not_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        head_of(call(headers={"X-One": "雲"}), "gzip")
