"""What a request refers to, and how what is stored is read again: by turns, by items, by ids.

A stored answer gives its id to its items: behind the kind of item come the digits of the response and a number. So an
item that a client refers to is found without a list of all items, and a client may still take ids for what they are:
words that mean nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from grok2api.canonical.problem import invalid
from grok2api.canonical.stored import Stored
from grok2api.dialects.openai_responses.sealed import is_ours
from grok2api.dialects.reading import Object

Item = Mapping[str, Any]

REFERENCE = "item_reference"
#: Items that stand for all that came before them: under these types clients send them back.
COMPACTIONS = ("compaction", "compaction_summary", "context_compaction")
_RESPONSE = "resp_"
_ITEM_ID = re.compile(r"[a-z]+_([0-9a-f]{24})[0-9a-f]{4}")
#: Ids of clients that are kept: every database holds them, and tells them apart.
_KEPT_ID = re.compile(r"[!-~]{1,128}")

#: The numbers of input items begin here; those of output items at 0.
_INPUT = 0x8000

_PREFIXES: Mapping[str, str] = {
    "message": "msg_",
    "reasoning": "rs_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "custom_tool_call": "ctc_",
    "custom_tool_call_output": "ctco_",
}
_TEXTS: Mapping[str, str] = {"assistant": "output_text"}


class Refers(msgspec.Struct, frozen=True):
    """What a request refers to: the response before it, its conversation, single items."""

    previous: str | None = None
    conversation: str | None = None
    items: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.previous or self.conversation or self.items)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of that.

    before: the items that come before the request's own, the oldest first, None when nobody has looked. items: single
    ones by their ids. account: which one answered last. sticky: what named the conversation. keeps: whether the answer
    can be stored.
    """

    before: Sequence[Item] | None = None
    items: Mapping[str, Item] = {}
    account: str | None = None
    sticky: str | None = None
    keeps: bool = False


def refers(top: Object) -> Refers:
    """What the request refers to. Raises `Refusal`."""
    previous, conversation = top.text("previous_response_id"), _conversation(top)
    if previous and conversation:
        raise invalid(
            "previous_response_id and conversation cannot be used together: leave one of them out",
            "conversation",
            code="mutually_exclusive_parameters",
        )
    return Refers(previous or None, conversation, tuple(references(own(top))))


def _conversation(top: Object) -> str | None:
    value = top.raw.get("conversation")
    if value is None or type(value) is str:
        return value or None
    if type(value) is not dict:
        raise top.wrong("conversation", "a string or an object", value)
    return Object(value, "conversation").need_text("id")


def own(top: Object) -> list[Any]:
    """The items of `input` as they came; words alone are a message of the user."""
    value = top.raw.get("input")
    if type(value) is str:
        return [{"type": "message", "role": "user", "content": value}] if value else []
    return value if type(value) is list else []


def references(items: Iterable[Any]) -> Iterable[str]:
    """The ids that items refer to."""
    return (item["id"] for item in items if is_reference(item) and type(item.get("id")) is str)


def is_reference(item: Any) -> bool:
    """Whether an item only names another."""
    if type(item) is not dict:
        return False
    return item.get("type") == REFERENCE or (item.get("type") is None and "role" not in item and "id" in item)


def stem(response: str) -> str:
    """What the ids of a response's items have in common with its own."""
    return response.removeprefix(_RESPONSE)


def item_id(prefix: str, response: str, index: int) -> str:
    """The id of the output item `index` of a response."""
    return f"{prefix}{stem(response)}{index:04x}"


def home(item: str) -> str | None:
    """The response to which an item of this id belongs, if it is one of ours."""
    found = _ITEM_ID.fullmatch(item)
    return None if found is None else _RESPONSE + found[1]


def named(items: Iterable[Any], response: str) -> list[Item]:
    """Input items as they are kept and shown: each with an id, messages in parts. Not checked.

    An id that no database could keep is replaced by one of ours; references by such ids are left out.
    """
    return [
        _named(item, index, response)
        for index, item in enumerate(items)
        if type(item) is dict and (_is_kept(item.get("id")) or not is_reference(item))
    ]


def _is_kept(ident: Any) -> bool:
    return type(ident) is str and _KEPT_ID.fullmatch(ident) is not None


def _named(item: dict[str, Any], index: int, response: str) -> Item:
    if is_reference(item):
        return {"type": REFERENCE, "id": item["id"]}
    kind = item.get("type") or "message"
    shown = {
        **item,
        "type": kind,
        "id": item["id"]
        if _is_kept(item.get("id"))
        else item_id(_PREFIXES.get(kind, "item_"), response, _INPUT + index),
    }
    if kind == "message":
        shown["content"] = _parts(item)
        shown.setdefault("status", "completed")
    return shown


def _parts(item: dict[str, Any]) -> list[Any]:
    kind = _TEXTS.get(item.get("role") or "", "input_text")
    content = item.get("content")
    if type(content) is list:
        return content
    text = {"type": kind, "text": content or ""}
    return [{**text, "annotations": []} if kind == "output_text" else text]


def whole_output(stored: Stored) -> list[Item]:
    """The output items of a stored response, reasoning with its opaque form."""
    if not stored.response:
        return []
    return [_whole(item, stored.kept) for item in msgspec.json.decode(stored.response)["output"]]


def output(stored: Stored) -> list[Item]:
    """The same as what comes before a further request: calls that broke off are left out."""
    return [item for item in whole_output(stored) if not _broke_off(item)]


def turn(stored: Stored) -> list[Item]:
    """The items of one response: its own input and its output."""
    return [*stored.input, *output(stored)]


def resolved(items: Iterable[Item], found: Mapping[str, Item]) -> list[Item]:
    """Items in place of references to them, each once; references to what is not there are left out."""
    out: dict[str, Item] = {}
    for item in items:
        whole = found.get(item["id"]) if is_reference(item) else item
        if whole is not None and not is_reference(whole):
            out.setdefault(whole.get("id") or f"#{len(out)}", whole)
    return list(out.values())


def _whole(item: Item, kept: Mapping[str, str]) -> Item:
    encrypted = kept.get(item.get("id") or "")
    return item if encrypted is None else {**item, "encrypted_content": encrypted}


def _broke_off(item: Item) -> bool:
    return str(item.get("type")).endswith("_call") and item.get("status") != "completed"


def _compacts(item: Item) -> bool:
    return item.get("type") in COMPACTIONS and is_ours(item.get("encrypted_content"))


def window(items: Sequence[Item]) -> Sequence[Item]:
    """What is left of a conversation that was compacted: the user's messages, the last summary, and what came then.

    A summary of others cannot be read, so what came before it stays.
    """
    last = max((place for place, item in enumerate(items) if _compacts(item)), default=0)
    return [*(item for item in items[:last] if item.get("role") == "user"), *items[last:]]


def shown(items: Iterable[Item], *, encrypted: bool) -> list[Item]:
    """Items for a client; opaque reasoning only for those who ask."""
    if encrypted:
        return list(items)
    return [
        {name: item[name] for name in item if name != "encrypted_content"} if item.get("type") == "reasoning" else item
        for item in items
    ]
