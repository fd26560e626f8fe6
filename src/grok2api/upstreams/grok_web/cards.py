"""Inline cards of an answer: what a citation or a picture in the text refers to.

A card comes as a JSON string inside JSON, before the tag that names it or in the same frame. What does not read as
a card is no card; it is never an error, because cards only add to an answer.
"""

from collections.abc import Iterator
from typing import Any

import msgspec


class Picture(msgspec.Struct, frozen=True, gc=False):
    """A picture found on the web."""

    title: str | None = None
    thumbnail: str | None = None
    original: str | None = None
    link: str | None = None


class Chunk(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One step of a picture that is being drawn. `progress` is 0..100."""

    image_uuid: str | None = None
    image_url: str | None = None
    progress: float | None = None
    moderated: bool | None = None
    image_id: str | None = None
    image_index: int | None = None
    url: str | None = None
    is_final: bool | None = None

    @property
    def is_whole(self) -> bool:
        return bool(self.is_final) or (self.progress or 0) >= 100


class Card(msgspec.Struct, frozen=True, gc=False):
    """One card, with the members that are used here."""

    id: str = ""
    url: str | None = None
    image: Picture | None = None
    image_chunk: Chunk | None = None


_decoder = msgspec.json.Decoder(Card)


def read_cards(*values: Any) -> Iterator[Card]:
    """The cards in a `cardAttachment`, a list of them, or a list of JSON strings."""
    for value in values:
        for item in value if isinstance(value, list) else (value,):
            card = _read(item)
            if card is not None:
                yield card


def read_chunk(value: Any) -> Chunk | None:
    """The step of a picture in a `streamingImageGenerationResponse`."""
    try:
        return msgspec.convert(value, Chunk)
    except msgspec.ValidationError:
        return None


def _read(value: Any) -> Card | None:
    data = value.get("jsonData", value) if isinstance(value, dict) else value
    try:
        if isinstance(data, str):
            return _decoder.decode(data)
        return msgspec.convert(data, Card)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
