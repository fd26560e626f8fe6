"""gRPC-web frames in any split, and what each way of saying a status means."""

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.canonical.problem import Kind
from grok2api.upstreams.grpc_web import MAX_BODY, BrokenFrameError, Message, Parser, Trailers, frame, refusal

SUCCESS = bytes.fromhex("000000000080000000106772") + bytes.fromhex("70632d7374617475733a20300d0a")


def trailers(text: str) -> bytes:
    return b"\x80" + len(text.encode()).to_bytes(4, "big") + text.encode()


def of(body: bytes = b"", status: int = 200, **headers: str):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(status, named, body, what="grok.com")


def test_a_message_is_a_flag_a_length_and_its_bytes():
    assert frame(b"\x10\x01").hex() == "00000000021001"


pieces = st.lists(st.binary(max_size=40) | st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=5)


@given(pieces, st.data(), st.booleans())
def test_frames_come_out_whole_however_the_bytes_arrive(parts, data, text):
    wanted = [Message(part) if isinstance(part, bytes) else Trailers(part) for part in parts]
    raw = [
        frame(p) if isinstance(p, bytes) else trailers("".join(f"{k}: {v}\r\n" for k, v in p.items())) for p in parts
    ]
    sent = b"".join(base64.b64encode(piece) for piece in raw) if text else b"".join(raw)
    marks = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    parser, found = Parser(text=text), []
    for start, end in itertools.pairwise([0, *marks, len(sent)]):
        found += parser.feed(sent[start:end])
    parser.close()
    assert found == wanted


@given(st.binary(max_size=80), st.booleans(), st.integers(100, 599))
def test_arbitrary_bytes_are_an_answer_or_a_problem_and_never_an_exception(body, text, status):
    headers = {"content-type": "application/grpc-web-text" if text else "application/grpc-web+proto"}
    refusal(status, headers, body, what="grok.com")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (SUCCESS, {}),
        (frame(b""), {}),
        (b"", {}),
        (b"", {"grpc_status": "0"}),
        (base64.b64encode(SUCCESS), {"content_type": "application/grpc-web-text+proto"}),
        (
            base64.b64encode(frame(b"")) + base64.b64encode(trailers("grpc-status:0\r\n")),
            {"content_type": "application/grpc-web-text"},
        ),
        (trailers("GRPC-Status: 0\r\nGrpc-Message: fine\r\n"), {}),
    ],
)
def test_status_zero_or_none_at_all_is_success(body, headers):
    assert of(body, **headers) is None


@pytest.mark.parametrize(
    ("number", "said", "kind"),
    [
        (4, "deadline", Kind.UPSTREAM_DOWN),
        (7, "not for this account", Kind.FORBIDDEN),
        (7, "User is blocked [WKE=unauthorized:blocked-user]", Kind.BLOCKED),
        (7, "Request rejected by anti-bot rules.", Kind.CHALLENGE),
        (8, "Too many requests", Kind.RATE_LIMITED),
        (14, "away", Kind.UPSTREAM_DOWN),
        (16, "who?", Kind.UNAUTHORIZED),
        (16, "No credentials [WKE=unauthenticated:bad-credentials]", Kind.CREDENTIAL),
        (3, "odd", Kind.UPSTREAM_DOWN),
        (9999999, "beyond", Kind.UPSTREAM_DOWN),
    ],
)
def test_a_status_is_classified_and_the_reason_can_be_read(number, said, kind):
    quoted = said.replace(" ", "%20").replace("[", "%5B")
    for problem in (
        of(frame(b"") + trailers(f"grpc-status: {number}\r\ngrpc-message: {quoted}\r\n")),
        of(b"", grpc_status=str(number), grpc_message=quoted),
    ):
        assert problem.kind is kind
        assert said in problem.message


def test_trailers_win_over_headers_and_a_status_without_words_is_named():
    assert of(trailers("grpc-status: 0\r\n"), grpc_status="7") is None
    assert of(b"", grpc_status="7").message.endswith("gRPC status 7")


def test_a_reason_is_printable_and_short():
    problem = of(b"", grpc_status="7", grpc_message="%1B%5B31m" + "x%0A" * 500 + "%FF")
    assert problem.message.isprintable()
    assert len(problem.message) < 400


@pytest.mark.parametrize(
    ("body", "headers", "why"),
    [
        (frame(b"abc")[:-1], {}, "ends inside a frame"),
        (SUCCESS[:-3], {}, "ends inside a frame"),
        (b"\x01" + SUCCESS[1:], {}, "compressed"),
        (b"\x42" + SUCCESS[1:], {}, "unknown flags"),
        (b"\x00\xff\xff\xff\xff", {}, "too long"),
        (b"!!!!", {"content_type": "application/grpc-web-text"}, "not base64"),
        (base64.b64encode(SUCCESS)[:-2], {"content_type": "application/grpc-web-text"}, "inside a frame"),
        (trailers("grpc-status: seven\r\n"), {}, "no number"),
        (b'{"ok": true}', {}, "unknown flags"),
    ],
)
def test_H3_what_is_not_grpc_web_is_no_success(body, headers, why):
    problem = of(body, **headers)
    assert problem.kind is Kind.UPSTREAM
    assert why in problem.message


def test_pages_are_taken_for_what_they_are():
    assert of(b"<html><title>Just a moment...</title></html>").kind is Kind.CHALLENGE
    assert of(b"<html>oops</html>").kind is Kind.UPSTREAM
    assert of(b"<html><title>Just a moment...</title></html>", 403).kind is Kind.CHALLENGE


def test_an_http_refusal_brings_its_own_words():
    problem = of(b'{"code":16,"message":"No credentials [WKE=unauthenticated:bad-credentials]"}', 401)
    assert (problem.kind, "bad-credentials" in problem.message) == (Kind.CREDENTIAL, True)
    assert "too long" in of(frame(b"x" * (MAX_BODY + 1))).message


def test_a_parser_says_why_it_stops():
    with pytest.raises(BrokenFrameError, match="compressed"):
        Parser().feed(b"\x01\x00\x00\x00\x00")
