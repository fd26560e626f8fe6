"""Forms with files: a `multipart/form-data` body and its fields.

Pure, strict and linear: every part is found by its boundary, in one pass over a body that is bounded already. What is
broken is a 400. A file's own word for its name and type is passed on, never trusted.
"""

import re
from collections.abc import Iterator

import msgspec

from grok2api.canonical.problem import Kind, Problem, Refusal, invalid

_MOST_FIELDS = 256
_MOST_HEAD = 8192
_BOUNDARY = re.compile(r"""boundary=(?:"([^"\x00-\x1f]{1,70})"|([^\s;,"]{1,70}))""", re.IGNORECASE)
_PARAMETER = re.compile(rb'(name|filename)="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)
_TOKEN = re.compile(rb"(name|filename)=([^\s;\"]+)", re.IGNORECASE)


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a form. `filename` is None for plain values."""

    name: str
    data: bytes
    filename: str | None = None
    mime: str = ""

    @property
    def text(self) -> str:
        """The value as text. Raises `Refusal` when it is none."""
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            raise invalid(f"{self.name} is not valid UTF-8", self.name) from None

    def __repr__(self) -> str:
        return f"Field({self.name}, {len(self.data)} bytes)"


def is_form(content_type: str) -> bool:
    """Whether a body of this type is such a form."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def parse(body: bytes, content_type: str) -> list[Field]:
    """The fields, in order. Raises `Refusal`."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Refusal(
            Problem(
                kind=Kind.MEDIA_TYPE,
                message="The content-type of a form needs a boundary",
                param="content-type",
                code="invalid_form",
            )
        )
    delimiter = b"--" + (found[1] or found[2]).encode()
    return [_field(body, start, end) for start, end in _parts(body, delimiter)]


def _parts(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """Where each part begins and ends."""
    at = 0 if body.startswith(delimiter) else body.find(b"\r\n" + delimiter) + 2
    if not body.startswith(delimiter, at):
        raise _broken("it does not begin with its boundary")
    for _ in range(_MOST_FIELDS + 1):
        at += len(delimiter)
        if body.startswith(b"--", at):
            return
        line = body.find(b"\r\n", at)
        if line < 0 or body[at:line].strip(b" \t"):
            raise _broken("a boundary is not followed by a line's end")
        end = body.find(b"\r\n" + delimiter, line)
        if end < 0:
            raise _broken("it ends in the middle of a part")
        yield line + 2, end
        at = end + 2
    raise _broken(f"it has more than {_MOST_FIELDS} fields")


def _field(body: bytes, start: int, end: int) -> Field:
    blank = body.find(b"\r\n\r\n", start - 2, min(start + _MOST_HEAD, end + 4))
    if blank < 0 or blank + 4 > end + 2:
        raise _broken("a part has no head")
    head = _head(body[start:blank])
    disposition = head.get(b"content-disposition", b"")
    named = {key.lower(): value for key, value in _TOKEN.findall(disposition)}
    named |= {key.lower(): _unescaped(value) for key, value in _PARAMETER.findall(disposition)}
    if b"name" not in named or not disposition.lower().startswith(b"form-data"):
        raise _broken("a part has no name")
    filename = named.get(b"filename")
    return Field(
        name=_text(named[b"name"]),
        data=body[min(blank + 4, end) : end],
        filename=None if filename is None else _text(filename),
        mime=_text(head.get(b"content-type", b"")),
    )


def _head(lines: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in lines.split(b"\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _unescaped(value: bytes) -> bytes:
    """Browsers write quotes and line ends as `%22` and the like, older clients with a backslash."""
    return value.replace(b"%22", b'"').replace(b"%0D", b"\r").replace(b"%0A", b"\n").replace(b'\\"', b'"')


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _broken(why: str) -> Refusal:
    return invalid(f"The form cannot be read: {why}", code="invalid_form")
