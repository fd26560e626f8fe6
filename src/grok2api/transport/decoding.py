"""Content codings of answers, undone as the bytes arrive.

Pure. aiohttp undoes zstd only with a package that this project does not need otherwise, so all codings are undone
here by one table. Promises that whatever can be decoded so far is told at once (a stream must not wait for its
compressor), and that a body which ends inside its coding is noticed.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

import brotli
import zstandard

#: What a call may accept, in the words of `Accept-Encoding`.
ACCEPTED = "gzip, deflate, br, zstd"


class CodingError(ValueError):
    """The bytes are not what `Content-Encoding` says."""


class Decoder(Protocol):
    """One coding. `feed` tells what is decoded so far; `whole` says whether the body may end here."""

    def feed(self, data: bytes) -> bytes: ...

    @property
    def whole(self) -> bool: ...


class _Zlib:
    """gzip, of one member or more, and deflate with or without its zlib frame."""

    def __init__(self, window_bits: int) -> None:
        self._bits = window_bits
        self._inner = zlib.decompressobj(window_bits)
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        if not self._begun and self._bits == zlib.MAX_WBITS and data and data[0] & 0x0F != 8:
            self._bits = -zlib.MAX_WBITS  # what some servers send as deflate has no frame
            self._inner = zlib.decompressobj(self._bits)
        self._begun = self._begun or bool(data)
        out = self._inner.decompress(data)
        while self._inner.eof and self._inner.unused_data.strip(b"\0"):
            rest = self._inner.unused_data
            self._inner = zlib.decompressobj(self._bits)
            out += self._inner.decompress(rest)
        return out

    @property
    def whole(self) -> bool:
        return self._inner.eof or not self._begun


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        self._begun = self._begun or bool(data)
        out: bytes = self._inner.process(data)
        return out

    @property
    def whole(self) -> bool:
        return not self._begun or bool(self._inner.is_finished())


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        self._begun = self._begun or bool(data)
        out = b""
        while data:
            if self._inner.eof:
                self._inner = zstandard.ZstdDecompressor().decompressobj()
            out += self._inner.decompress(data)
            data = self._inner.unused_data if self._inner.eof else b""
        return out

    @property
    def whole(self) -> bool:
        return not self._begun or self._inner.eof


class _Chain:
    """Several codings, undone from the last that was applied."""

    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> bytes:
        try:
            for decoder in self._decoders:
                data = decoder.feed(data)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise CodingError(type(error).__name__) from None
        return data

    @property
    def whole(self) -> bool:
        return all(decoder.whole for decoder in self._decoders)


_DECODERS: Mapping[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
}


def decoder_for(content_encoding: str) -> Decoder | None:
    """What undoes this `Content-Encoding`; `None` when there is nothing to undo. Raises `CodingError` if unknown."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name and name != "identity"]
    if not names:
        return None
    unknown = next((name for name in names if name not in _DECODERS), None)
    if unknown is not None:
        raise CodingError(f"unknown content coding {unknown[:32]!r}")
    return _Chain([_DECODERS[name]() for name in reversed(names)])
