"""Conversations on the wire: what clients send to make and fill them, and what they are told."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from grok2api.canonical.stored import Conversation
from grok2api.dialects.openai_responses.items import check
from grok2api.dialects.openai_responses.resource import metadata
from grok2api.dialects.reading import Object, parse


class Begun(msgspec.Struct, frozen=True):
    """What a client wants to begin a conversation with, or to change of it."""

    about: Mapping[str, str]
    items: Sequence[Any] = ()


def begun(body: bytes) -> Begun:
    """A new conversation; an empty body is an empty one. Raises `Refusal`."""
    top = parse(body) if body.strip() else Object({}, "")
    return Begun(metadata(top), _items(top))


def noted(body: bytes) -> Mapping[str, str]:
    """What is to be noted about a conversation. Raises `Refusal`."""
    top = parse(body)
    if not top.has("metadata"):
        raise top.missing("metadata")
    return metadata(top)


def added(body: bytes) -> Sequence[Any]:
    """The items to add. Raises `Refusal`."""
    top = parse(body)
    if not top.has("items"):
        raise top.missing("items")
    return _items(top)


def _items(top: Object) -> Sequence[Any]:
    check(top, "items")
    return top.array("items") or ()


def conversation(one: Conversation) -> dict[str, Any]:
    """What a client is told of a conversation."""
    return {"id": one.id, "object": "conversation", "created_at": int(one.created_at), "metadata": one.about}


def deleted(ident: str) -> dict[str, Any]:
    """What is said of one that is gone."""
    return {"id": ident, "object": "conversation.deleted", "deleted": True}
