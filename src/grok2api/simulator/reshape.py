"""What goes wrong on the way: each function takes a delivery and spoils it in one manner.

Pure. Byte positions count what is written (after compression when both are asked for: the order
of the table in `faults.py` is the order in which faults are applied). Token positions count pieces of the
answer's text, or pictures and frames of progress where that is what comes; thinking does not count.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import brotli
import msgspec
import zstandard

from grok2api.simulator.delivery import Break, Bye, Delivery, Head, Step, Wait, Write

_PAGE = b"<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>\n"
_GARBAGE = b'{"result":{"response":{"token":"ha\n\x00\x01\x02 not json at all }}}]]\n'


def _with(delivery: Delivery, steps: list[Step]) -> Delivery:
    return msgspec.structs.replace(delivery, steps=tuple(steps))


def _first(count: int, steps: tuple[Step, ...]) -> Iterator[Step]:
    """The steps that write the first `count` bytes."""
    for step in steps:
        if not isinstance(step, Write):
            yield step
        elif len(step.data) < count:
            count -= len(step.data)
            yield step
        else:
            yield Write(step.data[:count], step.kind)
            return


def cut(delivery: Delivery, at: int) -> Delivery:
    """After `at` bytes the connection closes in the middle of the body."""
    return _with(delivery, [*_first(at, delivery.steps), Break()])


def reset(delivery: Delivery, at: int) -> Delivery:
    """After `at` bytes the connection is reset."""
    return _with(delivery, [*_first(at, delivery.steps), Break(reset=True)])


def drop(delivery: Delivery, at: int | None) -> Delivery:
    """After the `at`-th token, or at the end, the connection closes in the middle of the body."""
    return _ended(delivery, at, Break())


def bye(delivery: Delivery, at: int | None) -> Delivery:
    """After the `at`-th token, or at the end, the socket is closed in good order."""
    return _ended(delivery, at, Bye())


def _ended(delivery: Delivery, at: int | None, last: Step) -> Delivery:
    place = len(delivery.steps) if at is None else after_tokens(delivery, at)
    return _with(delivery, [*delivery.steps[:place], last])


def oversized(delivery: Delivery, size: int) -> Delivery:
    """A file with `size` more bytes at its end."""
    return _with(delivery, [*delivery.steps, Write(b"\0" * size)])


def end(delivery: Delivery, at: int) -> Delivery:
    """After `at` bytes the body ends properly."""
    return _with(delivery, list(_first(at, delivery.steps)))


def silent_head(delivery: Delivery, seconds: float) -> Delivery:
    """Nothing, not even the status line, for so long."""
    return _with(delivery, [Wait(seconds), *delivery.steps])


def silent(delivery: Delivery, seconds: float) -> Delivery:
    """The head at once, then nothing for so long."""
    at = delivery.steps.index(Head()) + 1
    return _with(delivery, [*delivery.steps[:at], Wait(seconds), *delivery.steps[at:]])


def after_tokens(delivery: Delivery, count: int) -> int:
    """The position in the steps right after the `count`-th token (before the first for 0)."""
    seen = 0
    for at, step in enumerate(delivery.steps):
        if isinstance(step, Write) and step.kind == "token":
            if seen == count:
                return at
            seen += 1
    return len(delivery.steps)


def pause(delivery: Delivery, at: int, seconds: float) -> Delivery:
    """Silence after the `at`-th token."""
    place = after_tokens(delivery, at)
    return _with(delivery, [*delivery.steps[:place], Wait(seconds), *delivery.steps[place:]])


def fail(delivery: Delivery, at: int | None, line: bytes) -> Delivery:
    """`line` instead of everything after the `at`-th token; without `at` it is the very first line."""
    place = delivery.steps.index(Head()) + 1 if at is None else after_tokens(delivery, at)
    return _with(delivery, [*delivery.steps[:place], Write(line, "end")])


def slow(delivery: Delivery, seconds: float) -> Delivery:
    """A pause before every frame but the first."""
    steps: list[Step] = []
    for step in delivery.steps:
        if isinstance(step, Write) and any(isinstance(earlier, Write) for earlier in steps):
            steps.append(Wait(seconds))
        steps.append(step)
    return _with(delivery, steps)


def split(delivery: Delivery, size: int) -> Delivery:
    """The same bytes in pieces of `size`, wherever that cuts."""
    steps: list[Step] = []
    for step in delivery.steps:
        if isinstance(step, Write):
            steps += [Write(step.data[at : at + size], step.kind) for at in range(0, len(step.data), max(1, size))]
        else:
            steps.append(step)
    return _with(delivery, steps)


def _body(delivery: Delivery, body: bytes, media: str) -> Delivery:
    return msgspec.structs.replace(delivery, headers={"Content-Type": media}, steps=(Head(), Write(body)))


def html(delivery: Delivery) -> Delivery:
    """A page with status 200."""
    return _body(delivery, _PAGE, "text/html; charset=utf-8")


def garbage(delivery: Delivery) -> Delivery:
    """Bytes that are no line of JSON and no event."""
    return _body(delivery, _GARBAGE, "application/octet-stream")


def _insert(delivery: Delivery, at: int, data: bytes) -> Delivery:
    place = after_tokens(delivery, at)
    return _with(delivery, [*delivery.steps[:place], Write(data), *delivery.steps[place:]])


#: media type -> what stands before and after a piece of text in a frame that nobody knows.
_UNKNOWN: Mapping[str, tuple[bytes, bytes]] = {
    "application/json": (b'{"result":{"response":{"padding":"', b'","isThinking":false}}}\n'),
    "text/event-stream": (
        b'event: response.something_new\ndata: {"type":"response.something_new","padding":"',
        b'"}\n\n',
    ),
    "": (b'{"event":{"type":"response.something_new","padding":"', b'"}}'),
}


def _unknown(delivery: Delivery) -> tuple[bytes, bytes]:
    return _UNKNOWN.get(delivery.headers.get("Content-Type", ""), _UNKNOWN["application/json"])


def not_utf8(delivery: Delivery, at: int) -> Delivery:
    """An unknown frame that is not UTF-8, after the `at`-th token."""
    before, after = _unknown(delivery)
    return _insert(delivery, at, before + b"\xff\xfe\xc3(" + after)


def huge(delivery: Delivery, size: int) -> Delivery:
    """One unknown frame of `size` bytes before the first token."""
    before, after = _unknown(delivery)
    return _insert(delivery, 0, before + b"x" * max(0, size - len(before) - len(after)) + after)


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Compressor(quality=1)

    def compress(self, data: bytes) -> bytes:
        return bytes(self._inner.process(data) + self._inner.flush())

    def finish(self) -> bytes:
        return bytes(self._inner.finish())


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.compressobj(1, zlib.DEFLATED, 31)

    def compress(self, data: bytes) -> bytes:
        return self._inner.compress(data) + self._inner.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._inner.flush()


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdCompressor(level=1).compressobj()

    def compress(self, data: bytes) -> bytes:
        return self._inner.compress(data) + self._inner.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._inner.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)


_COMPRESSORS: dict[str, Callable[[], Any]] = {"gzip": _Gzip, "br": _Brotli, "zstd": _Zstd}


def compress(delivery: Delivery, coding: str) -> Delivery:
    """The body compressed, flushed after every frame."""
    compressor = _COMPRESSORS[coding]()
    steps: list[Step] = [
        Write(compressor.compress(step.data), step.kind) if isinstance(step, Write) else step for step in delivery.steps
    ]
    if not any(isinstance(step, Break) for step in steps):
        steps.append(Write(compressor.finish(), "end"))
    return msgspec.structs.replace(
        delivery, headers={**delivery.headers, "Content-Encoding": coding}, steps=tuple(steps)
    )


def whole_messages(delivery: Delivery) -> Delivery:
    """A delivery for a WebSocket: messages that were cut are left out."""
    steps = [step for step in delivery.steps if not isinstance(step, Write) or _is_json(step.data)]
    return _with(delivery, steps)


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True
