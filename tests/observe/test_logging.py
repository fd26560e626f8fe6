"""What is written about a running gateway, and what never is."""

import io
import json
import logging

import pytest
import structlog

from grok2api.observe import logging as pipe
from grok2api.observe import secrets as registry
from grok2api.observe.secrets import MASK, Secrets

HIDDEN = "MARKED-s3cret-value"


@pytest.fixture
def stream():
    """Where the lines go; afterwards the process logs as before."""
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    out = io.StringIO()
    yield out
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    registry.secrets.forget([HIDDEN])


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Odd:
    def __str__(self) -> str:
        return f"Odd({HIDDEN})"


@pytest.mark.parametrize("style", ["json", "console"])
def test_Z2_no_registered_secret_is_in_any_line_at_debug_level(stream, style):
    registry.secrets.register(HIDDEN)
    pipe.set_up("DEBUG", style, stream)
    log = structlog.get_logger()
    log.debug(
        "text", text="text " + HIDDEN, value=HIDDEN, odd=Odd(), raw=HIDDEN.encode(), deep={"a": [{HIDDEN: (HIDDEN,)}]}
    )
    for name in ("uvicorn.error", "aiohttp.client", "sqlalchemy.engine", "asyncio", "anything"):
        logging.getLogger(name).error("library %s", HIDDEN)
    try:
        raise ValueError(HIDDEN)
    except ValueError:
        log.exception("failed")
        logging.getLogger("anything").exception("failed")
    logging.getLogger("py.warnings").warning("a warning of %s", HIDDEN)
    assert stream.getvalue().count(MASK) >= 12
    assert "MARKED" not in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Cookie: sso=abcdef; sso-rw=abcdef; a=b", f"Cookie: sso={MASK}; sso-rw={MASK}; a=b"),
        ("GET /admin/api/status?app_key=abcdef&x=1", f"GET /admin/api/status?app_key={MASK}&x=1"),
        ("Authorization: Bearer abcdef", f"Authorization: Bearer {MASK}"),
        ("Authorization: Bearer anonymous", "Authorization: Bearer anonymous"),
        ('{"api_key": "abcdef"}', f'{{"api_key": "{MASK}"}}'),
        ("x-api-key: abcdef", f"x-api-key: {MASK}"),
        ("http://user:pass@proxy:1", f"http://{MASK}@proxy:1"),
        ("key xai-0123456789abcdefghij end", f"key {MASK} end"),
        ("eyJhbGciOiJIUzI1.eyJzZXNzaW9u.c2ln and on", f"{MASK} and on"),
        ("an ordinary line: a=b, mode=fast", "an ordinary line: a=b, mode=fast"),
    ],
)
def test_Z2_what_looks_like_a_credential_is_masked_unregistered(text, masked):
    assert Secrets().mask(text) == masked


def test_a_secret_is_masked_wherever_it_stands_and_however_encoded():
    known = Secrets()
    known.register("abc/def+ghi=", "abc/def+ghi=longer", "tiny")
    assert known.mask("abc/def+ghi=") == MASK
    assert known.mask("[abc/def+ghi=longer]abc/def+ghi=") == f"[{MASK}]{MASK}"
    assert known.mask("id=abc%2Fdef%2Bghi%3D.") == f"id={MASK}."
    assert known.mask("a tiny abc/def") == "a tiny abc/def"
    known.forget(["abc/def+ghi=", "abc/def+ghi=longer"])
    assert known.mask("abc/def+ghi=longer") == "abc/def+ghi=longer"


def test_the_values_of_a_cookie_string_are_secrets_each():
    known = Secrets()
    known.register_cookies("cf_clearance=first-value; other=second-value")
    assert known.mask("first-value, second-value") == f"{MASK}, {MASK}"


def test_a_line_in_a_pipe_is_one_json_object_with_the_request(stream):
    pipe.set_up("INFO", "auto", stream)
    pipe.bind_request("req_1")
    structlog.get_logger().info("answered", status=200, seconds=0.5, none=None, names=("a", "b"))
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "answered",
        "level": "info",
        "request_id": "req_1",
        "status": 200,
        "seconds": 0.5,
        "none": None,
        "names": ["a", "b"],
    }


def test_values_that_json_finds_hard_still_come_out(stream):
    pipe.set_up("INFO", "json", stream)
    structlog.get_logger().info("odd", big=2**80, broken="\ud800", loop=[[[[[[[[[[[[1]]]]]]]]]]]])
    (line,) = lines(stream)
    assert (line["big"], line["broken"]) == (2**80, "\ud800")


def test_levels_hold_for_ours_and_for_libraries(stream):
    pipe.set_up("WARNING", "json", stream)
    structlog.get_logger().info("ours")
    logging.getLogger("aiohttp.client").info("theirs")
    structlog.get_logger().warning("ours")
    logging.getLogger("aiohttp.client").warning("theirs")
    assert [(line["event"], line["level"]) for line in lines(stream)] == [("ours", "warning"), ("theirs", "warning")]


def test_the_access_log_of_the_server_is_off(stream):
    pipe.set_up("DEBUG", "json", stream)
    logging.getLogger("uvicorn.access").error('127.0.0.1 - "GET /admin/api/status?app_key=x"')
    assert stream.getvalue() == ""


def test_a_terminal_gets_readable_lines(stream):
    stream.isatty = lambda: True
    pipe.set_up("INFO", "auto", stream)
    structlog.get_logger().info("answered", status=200)
    assert "answered" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        lines(stream)


def test_a_line_is_tried_with_as_few_lengths_as_there_are_however_many_secrets():
    known = Secrets()
    known.register(*(f"eyJ0eXAi{number:06d}" for number in range(20_000)), "eyJ0eXAi-longer")
    assert known._lengths == {"eyJ0eX": (15, 14)}
    assert known.mask("eyJ0eXAi019999 eyJ0eXAi-longer eyJ0eXAi020000") == f"{MASK} {MASK} eyJ0eXAi020000"
