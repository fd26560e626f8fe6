"""Unknown is normal, and null is the same as absent: over every field of every dialect (C2, C11).

The SDKs' own types say which fields there are at the top; `everything` holds the ones inside.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import everything
import msgspec
import pytest
from anthropic.types.beta.message_create_params import MessageCreateParamsBase
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.image_edit_params import ImageEditParamsBase
from openai.types.image_generate_params import ImageGenerateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase
from openai.types.video_create_params import VideoCreateParams

from grok2api.canonical.problem import Refusal
from grok2api.canonical.request import Request
from grok2api.dialects.anthropic_messages import MESSAGES
from grok2api.dialects.openai_chat import CHAT
from grok2api.dialects.openai_media import EDITS, GENERATIONS
from grok2api.dialects.openai_media.videos import Order, decode_json
from grok2api.dialects.openai_responses import RESPONSES

Body = dict[str, Any]
Place = tuple[str | int, ...]

DECODE: Mapping[str, Callable[[bytes], Request | Order]] = {
    "chat": lambda body: CHAT.decode(body, {}),
    "responses": lambda body: RESPONSES.decode(body, {}),
    "messages": lambda body: MESSAGES.decode(body, {}),
    "generations": lambda body: GENERATIONS.decode(body, {}),
    "edits": lambda body: EDITS.decode(body, {}),
    "videos": decode_json,
}
SAY = [{"role": "user", "content": "hi"}]
PLAIN: Mapping[str, Body] = {
    "chat": {"model": "m", "messages": SAY},
    "responses": {"model": "m", "input": "hi"},
    "messages": {"model": "m", "max_tokens": 9, "messages": SAY},
    "generations": {"model": "m", "prompt": "p"},
    "edits": {"model": "m", "prompt": "p", "image": "https://example.com/a.png"},
    "videos": {"prompt": "p"},
}
#: What Grok's own API, older clients and ours know besides the SDKs' types.
MORE = (
    "stream stream_options reasoning thinking search_parameters deferred image_config video_config extra_body "
    "client_metadata conversation betas service_tier stop top_k temperature top_p user metadata output_format"
)
TYPES: Mapping[str, tuple[type, ...]] = {
    "chat": (CompletionCreateParamsBase,),
    "responses": (ResponseCreateParamsBase,),
    "messages": (MessageCreateParamsBase, MessageCountTokensParams),
    "generations": (ImageGenerateParamsBase,),
    "edits": (ImageEditParamsBase,),
    "videos": (VideoCreateParams,),
}
TOP = [
    (dialect, field)
    for dialect, types in TYPES.items()
    for field in dict.fromkeys([*(name for kind in types for name in kind.__annotations__), *MORE.split()])
    if field not in PLAIN[dialect]
]
#: Fields whose "nothing" clients write as an empty array.
LISTS = {
    "chat": "tools stop functions modalities",
    "responses": "tools include context_management",
    "messages": "tools stop_sequences system mcp_servers betas fallbacks",
    "edits": "images",
    "videos": "input_reference",
}
EVERYTHING: Mapping[str, Body] = {
    "chat": everything.CHAT,
    "responses": everything.RESPONSES,
    "messages": everything.MESSAGES,
}
#: What is kept as the client wrote it: values of its own making, settings of hosted tools, what is reported whole.
OPAQUE = {"schema", "parameters", "input_schema", "input", "user_location", "filters", "metadata", "context_management"}

dialects = pytest.mark.parametrize("dialect", EVERYTHING)


def decoded(dialect: str, body: Body) -> object:
    """The request, or the refusal, without what is kept as the client wrote it."""
    try:
        request = DECODE[dialect](json.dumps(body).encode())
    except Refusal as refusal:
        return refusal.problem
    return msgspec.structs.replace(request, extra={}, echo={}) if isinstance(request, Request) else request


def places(value: object, here: Place = ()) -> Iterator[Place]:
    """Every member at every depth, but for what is opaque."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        if isinstance(value, dict):
            yield (*here, key)
        if key not in OPAQUE or (key == "input" and not here):
            yield from places(child, (*here, key))


def changed(body: Body, place: Place, change: Callable[[Any, Any], None]) -> Body:
    """A copy, with `change(holder, key)` made at a place."""
    copy = deepcopy(body)
    holder: Any = copy
    for key in place[:-1]:
        holder = holder[key]
    change(holder, place[-1])
    return copy


@pytest.mark.parametrize(("dialect", "field"), TOP)
def test_a_field_that_is_null_is_a_field_that_is_absent(dialect: str, field: str) -> None:
    plain = DECODE[dialect](json.dumps(PLAIN[dialect]).encode())
    assert DECODE[dialect](json.dumps(PLAIN[dialect] | {field: None}).encode()) == plain


@pytest.mark.parametrize(("dialect", "field"), [(d, field) for d, names in LISTS.items() for field in names.split()])
def test_an_empty_array_asks_for_nothing(dialect: str, field: str) -> None:
    assert decoded(dialect, PLAIN[dialect] | {field: []}) == decoded(dialect, PLAIN[dialect])


@dialects
def test_a_body_with_everything_is_taken(dialect: str) -> None:
    assert isinstance(decoded(dialect, EVERYTHING[dialect]), Request)


@dialects
def test_null_is_the_same_as_absent_at_every_depth(dialect: str) -> None:
    body = EVERYTHING[dialect]
    found = list(places(body))
    assert len(found) > 90
    for place in found:
        null = decoded(dialect, changed(body, place, lambda holder, key: holder.update({key: None})))
        absent = decoded(dialect, changed(body, place, lambda holder, key: holder.pop(key)))
        assert null == absent, place


@dialects
def test_an_unknown_member_changes_nothing_at_any_depth(dialect: str) -> None:
    body = EVERYTHING[dialect]
    plain = decoded(dialect, body)
    for place in [("x",), *places(body)]:
        holder: Any = body
        for key in place[:-1]:
            holder = holder[key]
        if _hands_on(place, holder):
            continue
        found = decoded(dialect, changed(body, place, lambda there, _: there.update(x_unknown={"a": [1, None]})))
        assert found == plain, place


def _hands_on(place: Place, holder: Mapping[str, Any]) -> bool:
    """Whether members of this object are handed on to the upstream: tools that it runs itself."""
    hosted = place[0] == "tools" and len(place) == 3 and holder.get("type") not in ("function", "custom", "namespace")
    return hosted and holder.get("input_schema") is None


@pytest.mark.parametrize("dialect", ["chat", "responses", "messages"])
def test_unknown_tools_and_headers_are_taken(dialect: str) -> None:
    tools = [{"type": "mystery_20270101", "name": "my", "x": {"y": 1}}, {"type": "another"}]
    dialect_of = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES}[dialect]
    headers = {"anthropic-beta": "a-2027-01-01,b", "openai-beta": "x=y", "x-stainless-lang": "js", "x-unknown": "1"}
    request = dialect_of.decode(json.dumps(PLAIN[dialect] | {"tools": tools}).encode(), headers)
    assert [tool.kind for tool in request.hosted_tools] == ["mystery_20270101", "another"]
