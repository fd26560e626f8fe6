"""Server-sent events, read as their bytes arrive.

Pure. Follows the WHATWG event stream format in what upstreams use of it: any cut, LF, CRLF or CR, comments, data of
several lines, a leading byte order mark. Unlike a browser it also tells a last event that has no blank line after it,
because an upstream may close right behind its last word. A frame is bounded; ids and retry times are ignored.
"""

import msgspec

_BOM = b"\xef\xbb\xbf"
_LONGEST_FRAME = 32 * 1024 * 1024


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One event: its name (empty when it has none) and its data lines, joined."""

    event: bytes
    data: bytes


class FrameTooLong(ValueError):  # noqa: N818 - says what is wrong with the stream
    """A frame goes on beyond the limit."""


class SseReader:
    """Feed it reads in order; it tells the frames that are whole. Frames without data are not told."""

    __slots__ = ("_begun", "_buffer", "_limit", "_scanned", "_skip_newline")

    def __init__(self, limit: int = _LONGEST_FRAME) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._scanned = 0  # no blank line ends before this offset
        self._skip_newline = False
        self._begun = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that this read completes. Raises `FrameTooLong`."""
        if self._skip_newline or b"\r" in chunk:
            chunk = self._with_newlines(chunk)
        if not self._begun:
            chunk = self._begin(chunk)
        buffer = self._buffer
        if not buffer and chunk.endswith(b"\n\n"):
            return _frames(chunk[:-2])  # whole frames and nothing else: what most reads are
        if buffer:
            buffer += chunk
            end = buffer.rfind(b"\n\n", max(self._scanned - 1, 0))
            blocks = bytes(buffer[:end]) if end >= 0 else b""
        else:
            end = chunk.rfind(b"\n\n")
            blocks = chunk[:end] if end >= 0 else b""
            buffer += chunk
        if end >= 0:
            del buffer[: end + 2]
        self._scanned = len(buffer)
        if self._scanned > self._limit:
            raise FrameTooLong(f"a frame is longer than {self._limit} bytes")
        return _frames(blocks) if blocks else []

    def close(self) -> list[Frame]:
        """What is left when the stream ends: a last frame without its blank line."""
        rest, self._scanned = bytes(self._buffer), 0
        self._buffer.clear()
        return _frames(rest) if rest else []

    def _with_newlines(self, chunk: bytes) -> bytes:
        if self._skip_newline and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._skip_newline = False
        if chunk.endswith(b"\r"):
            self._skip_newline = True  # its line feed may be the first byte of the next read
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _begin(self, chunk: bytes) -> bytes:
        head = bytes(self._buffer) + chunk
        if len(head) < len(_BOM) and _BOM.startswith(head):
            return chunk
        self._begun = True
        if self._buffer:
            self._buffer.clear()
        return head.removeprefix(_BOM)


def _frames(blocks: bytes) -> list[Frame]:
    frames: list[Frame] = []
    for block in blocks.split(b"\n\n"):
        if block.startswith(b"data: ") and b"\n" not in block:
            frames.append(Frame(b"", block[6:]))
            continue
        name, _, rest = block.partition(b"\n")
        if rest.startswith(b"data: ") and name.startswith(b"event: ") and b"\n" not in rest:
            frames.append(Frame(name[7:], rest[6:]))
        else:
            frame = _frame(block)
            if frame is not None:
                frames.append(frame)
    return frames


def _frame(block: bytes) -> Frame | None:
    """One block by the letter of the format; `None` when it has no data."""
    event = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            event = value
    return Frame(event, b"\n".join(data)) if data else None
