"""Everything that can be asked of the simulator beside a plain answer, as one table.

Pure data. A fault is written `name`, `name@AT`, `name=VALUE` or `name@AT=VALUE`: in a scenario, and after
`sim:` in a message. A row says what it does and holds the function that does it; docs/simulator.md is
generated from these rows. Several faults combine; they are applied in the order of the table.
"""

import re
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from grok2api.simulator import grpc, reshape, tallies
from grok2api.simulator.delivery import Delivery
from grok2api.simulator.features import FEATURES, Feature
from grok2api.simulator.media_features import MEDIA_FEATURES
from grok2api.simulator.rejections import REJECTIONS
from grok2api.simulator.render import InBand, RenderOptions
from grok2api.simulator.script import Script
from grok2api.simulator.tallies import TALLIES, Tally

_WRITTEN = r"([a-z0-9]+(?:-[a-z0-9]+)*)(?:@(\d{1,12}))?(?:=(\d{1,12}(?:\.\d{1,6})?))?"
_FAULT = re.compile(_WRITTEN)
_MAGIC = re.compile(r"(?<![\w:])sim:" + _WRITTEN)

ErrorLine = Callable[[InBand], bytes]


class Fault(msgspec.Struct, frozen=True):
    """A row of the table with its numbers. `at` is a position, `value` seconds, a size or a code."""

    name: str
    at: int | None = None
    value: float | None = None

    def __str__(self) -> str:
        at = "" if self.at is None else f"@{self.at}"
        return self.name + at + ("" if self.value is None else f"={self.value:g}")


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What a row does: to the script, to the rendering, to the delivery; or it rejects instead."""

    rejection: str = ""
    script: Callable[[Script, Fault], Script] | None = None
    options: Callable[[RenderOptions, Fault], RenderOptions] | None = None
    delivery: Callable[[Delivery, Fault, ErrorLine], Delivery] | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `written` shows its form; `sockets` is false for what only makes sense over HTTP."""

    name: str
    written: str
    says: str
    group: Literal["http", "stream", "answer", "media", "quota", "grpc"]
    effect: Effect
    sockets: bool = True


_MESSAGES: Mapping[int, str] = {
    3: "Invalid request.",
    7: "Request rejected by anti-bot rules.",
    8: "Too many requests",
    13: "Internal error.",
    14: "Service unavailable.",
    16: "No credentials [WKE=unauthenticated:bad-credentials]",
}


def _at(fault: Fault, default: int = 0) -> int:
    return default if fault.at is None else fault.at


def _value(fault: Fault, default: float) -> float:
    return default if fault.value is None else fault.value


def _failing(place: Literal["top", "nested", "late"]) -> Effect:
    def spoil(delivery: Delivery, fault: Fault, line: ErrorLine) -> Delivery:
        code = int(_value(fault, 8))
        return reshape.fail(delivery, fault.at, line(InBand(code, _MESSAGES.get(code, "Something failed."), place)))

    return Effect(delivery=spoil)


def _spoils(function: Callable[[Delivery, Fault], Delivery]) -> Effect:
    return Effect(delivery=lambda delivery, fault, line: function(delivery, fault))


def _feature(feature: Feature) -> Effect:
    change = feature.script
    return Effect(
        script=None if change is None else lambda script, fault: change(script, fault.at),
        options=(lambda options, fault: feature.applied(options, fault.at)) if feature.options else None,
    )


def _tallied(tally: Tally) -> Effect:
    return Effect(delivery=lambda delivery, fault, line: tallies.changed(delivery, tally))


def _stream(name: str, written: str, says: str, effect: Effect, *, sockets: bool = True) -> Row:
    return Row(name=name, written=written, says=says, group="stream", effect=effect, sockets=sockets)


_STREAM: tuple[Row, ...] = (
    _stream(
        "error",
        "error@N=CODE",
        "an error `CODE` (8, 7, 16, 13, other; default 8) after N tokens; without `@N` the very first line",
        _failing("top"),
    ),
    _stream(
        "error-nested",
        "error-nested@N=CODE",
        "the same inside the response frame (console: `response.failed`)",
        _failing("nested"),
    ),
    _stream(
        "error-late",
        "error-late@N=CODE",
        "the same in `modelResponse.streamErrors` (console: `response.failed`)",
        _failing("late"),
    ),
    _stream(
        "html",
        "html",
        "a page with status 200 instead of the stream",
        _spoils(lambda d, f: reshape.html(d)),
        sockets=False,
    ),
    _stream(
        "garbage",
        "garbage",
        "bytes that are neither JSON nor events, status 200",
        _spoils(lambda d, f: reshape.garbage(d)),
        sockets=False,
    ),
    _stream(
        "not-utf8",
        "not-utf8@N",
        "a frame that is not UTF-8 after N tokens (default 0)",
        _spoils(lambda d, f: reshape.not_utf8(d, _at(f))),
        sockets=False,
    ),
    _stream(
        "huge",
        "huge@BYTES",
        "one unknown frame of so many bytes (default 1048576) before the first token",
        _spoils(lambda d, f: reshape.huge(d, _at(f, 1 << 20))),
    ),
    _stream(
        "pause",
        "pause@N=S",
        "silence of S seconds (default 5) after N tokens (default 1)",
        _spoils(lambda d, f: reshape.pause(d, _at(f, 1), _value(f, 5))),
    ),
    _stream(
        "slow",
        "slow=S",
        "S seconds (default 0.2) between frames",
        _spoils(lambda d, f: reshape.slow(d, _value(f, 0.2))),
    ),
    _stream(
        "gzip",
        "gzip",
        "the body compressed with gzip, flushed after every frame",
        _spoils(lambda d, f: reshape.compress(d, "gzip")),
        sockets=False,
    ),
    _stream(
        "br", "br", "the body compressed with brotli", _spoils(lambda d, f: reshape.compress(d, "br")), sockets=False
    ),
    _stream(
        "zstd",
        "zstd",
        "the body compressed with zstandard",
        _spoils(lambda d, f: reshape.compress(d, "zstd")),
        sockets=False,
    ),
    _stream(
        "cut",
        "cut@BYTES",
        "the connection closes in mid-body after so many bytes (default 200)",
        _spoils(lambda d, f: reshape.cut(d, _at(f, 200))),
    ),
    _stream(
        "reset",
        "reset@BYTES",
        "the connection is reset after so many bytes (default 200)",
        _spoils(lambda d, f: reshape.reset(d, _at(f, 200))),
    ),
    _stream(
        "drop",
        "drop@N",
        "the connection closes in mid-body after N tokens; without `@N` after the last frame",
        _spoils(lambda d, f: reshape.drop(d, f.at)),
    ),
    _stream(
        "bye",
        "bye@N",
        "a WebSocket is closed in good order after N tokens; without `@N` after the last message",
        _spoils(lambda d, f: reshape.bye(d, f.at)),
    ),
    _stream(
        "oversized",
        "oversized@BYTES",
        "so many bytes (default 1048576) more at the end of a file",
        _spoils(lambda d, f: reshape.oversized(d, _at(f, 1 << 20))),
        sockets=False,
    ),
    _stream(
        "eof",
        "eof@BYTES",
        "the body ends properly, but after so many bytes (default 0: a 200 with no body)",
        _spoils(lambda d, f: reshape.end(d, _at(f))),
    ),
    _stream(
        "split",
        "split@BYTES",
        "the same bytes in pieces of so many (default 7), wherever that cuts",
        _spoils(lambda d, f: reshape.split(d, _at(f, 7))),
        sockets=False,
    ),
    _stream(
        "silent",
        "silent=S",
        "the status line at once, then silence of S seconds (default 30)",
        _spoils(lambda d, f: reshape.silent(d, _value(f, 30))),
    ),
    _stream(
        "silent-head",
        "silent-head=S",
        "silence of S seconds (default 30) before the status line",
        _spoils(lambda d, f: reshape.silent_head(d, _value(f, 30))),
    ),
)

GRPC_REFUSED = "grpc-refuse"


def _grpc(name: str, written: str, says: str, effect: Effect) -> Row:
    return Row(name=name, written=written, says=says, group="grpc", effect=effect, sockets=False)


_GRPC: tuple[Row, ...] = (
    _grpc(
        GRPC_REFUSED,
        "grpc-refuse=CODE",
        "refused with `grpc-status: CODE` (default 7) and a message; nothing is changed",
        _spoils(lambda d, f: grpc.refuse(d, int(_value(f, 7)))),
    ),
    _grpc(
        "grpc-headers",
        "grpc-headers",
        "the status in the HTTP headers, and no body",
        _spoils(lambda d, f: grpc.in_headers(d)),
    ),
    _grpc(
        "grpc-silent",
        "grpc-silent",
        "an empty message and no status at all",
        _spoils(lambda d, f: grpc.without_status(d)),
    ),
    _grpc("grpc-text", "grpc-text", "the body as base64", _spoils(lambda d, f: grpc.as_text(d))),
)

_HTTP: tuple[Row, ...] = tuple(
    Row(
        name=name,
        written=name + ("=S" if "`=S`" in says else ""),
        says=says,
        group="http",
        effect=Effect(rejection=name),
    )
    for name, (_, says) in REJECTIONS.items()
)


def _varieties(features: tuple[Feature, ...], group: Literal["answer", "media"]) -> tuple[Row, ...]:
    return tuple(
        Row(name=one.name, written=one.written, says=one.says, group=group, effect=_feature(one)) for one in features
    )


_ANSWER = _varieties(FEATURES, "answer")
_MEDIA = _varieties(MEDIA_FEATURES, "media")

_QUOTA: tuple[Row, ...] = tuple(
    Row(
        name=tally.name,
        written=tally.name,
        says=tally.says,
        group="quota",
        effect=_tallied(tally),
        sockets=False,
    )
    for tally in TALLIES
)

FAULTS: Mapping[str, Row] = {row.name: row for row in (*_HTTP, *_ANSWER, *_MEDIA, *_QUOTA, *_GRPC, *_STREAM)}
_RANK = {name: at for at, name in enumerate(FAULTS)}


def read_fault(text: str) -> Fault:
    """A fault from its written form. Raises `ValueError` for an unknown name or form."""
    found = _FAULT.fullmatch(text.strip().removeprefix("sim:"))
    if found is None or found[1] not in FAULTS:
        raise ValueError(f"unknown fault {text!r}; docs/simulator.md lists them")
    return _fault(found)


def _fault(found: re.Match[str]) -> Fault:
    name, at, value = found.groups()
    return Fault(name, None if at is None else int(at), None if value is None else float(value))


def magic_words(message: str) -> tuple[tuple[Fault, ...], tuple[str, ...]]:
    """The faults that a message asks for with `sim:…`, and the words after `sim:` that name none."""
    if "sim:" not in message:
        return (), ()
    found = [_fault(match) for match in _MAGIC.finditer(message)]
    known = tuple(fault for fault in found if fault.name in FAULTS)
    return known, tuple(fault.name for fault in found if fault.name not in FAULTS)


def in_order(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """As they are to be applied; of one name the last wins."""
    last = {fault.name: fault for fault in faults}
    return tuple(sorted(last.values(), key=lambda fault: _RANK[fault.name]))
