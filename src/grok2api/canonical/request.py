"""What a client asked for, in no dialect and for no upstream.

Pure frozen values. A dialect decodes bytes into a `Request`; an upstream's wire builds its own
call from it. Absent is not zero: a parameter that the caller left out is `None` here, and only
the place that needs a default supplies one.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Literal

import msgspec

from grok2api.canonical.attachment import Attachment


class Role(StrEnum):
    """Who speaks. `developer` is `SYSTEM`; a tool's answer is a `TOOL` message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Text(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Plain words."""

    text: str


class Thinking(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Reasoning of an earlier turn that the client sends back.

    `encrypted` is the upstream's opaque form (console.x.ai `encrypted_content`), `None` when there is none.
    """

    text: str
    encrypted: str | None = None
    id: str | None = None


class Inline(msgspec.Struct, frozen=True, gc=False):
    """Bytes that came in the request itself: base64 text from `start` on, and the type that the client says it is.

    `text` is the client's own string, which may be as large as a request gets: it is kept whole and never copied.
    """

    text: str
    mime: str = ""
    start: int = 0

    def __repr__(self) -> str:
        return f"Inline({self.mime!r}, {len(self.text) - self.start} characters)"


class Image(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A picture, by http(s) URL or inline or as bytes; not looked at yet. `path` is the client's field, for errors."""

    source: str | Inline | bytes
    detail: str | None = None
    path: str = ""


class File(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A document or a sound, by http(s) URL, inline or by file id; not looked at yet. `path` as in `Image`."""

    source: str | Inline | None = None
    name: str | None = None
    file_id: str | None = None
    kind: Literal["file", "audio"] = "file"
    path: str = ""


class ToolCall(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A call that the assistant made. `arguments` is JSON text, or free text when `custom`."""

    id: str
    name: str
    arguments: str
    custom: bool = False
    namespace: str | None = None


class ToolResult(msgspec.Struct, frozen=True, tag=True):
    """What the client's tool answered to the call `call_id`."""

    call_id: str
    parts: tuple["Text | Image | File | Attachment", ...]
    is_error: bool = False
    custom: bool = False

    @property
    def text(self) -> str:
        """The words of the result; pictures and files are not words."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))


Part = Text | Thinking | Image | File | Attachment | ToolCall | ToolResult


class Message(msgspec.Struct, frozen=True):
    """One turn. `path` is where it stood in the client's body (`messages.3`), for errors."""

    role: Role
    parts: tuple[Part, ...]
    path: str = ""


class Tool(msgspec.Struct, frozen=True):
    """A tool that the client runs.

    `custom` tools take free text instead of JSON (`grammar` describes it); `schema` is the JSON
    schema of the arguments otherwise. `namespace` groups functions in the Responses dialect. A `deferred` tool is not
    shown to the model yet; a call of it is the client's all the same.
    builtin: which of OpenAI's own tools it stands for (`shell`); calls of those are items of their own there.
    """

    name: str
    description: str = ""
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None
    custom: bool = False
    grammar: Mapping[str, Any] | None = None
    namespace: str | None = None
    deferred: bool = False
    builtin: str = ""


class HostedTool(msgspec.Struct, frozen=True):
    """A tool that the upstream runs itself: `kind` is its wire type (`web_search`, `x_search`, …).

    spelled: what the client knows it by, when that is another kind of tool that this one stands in for.
    """

    kind: str
    settings: Mapping[str, Any] = {}
    spelled: str = ""

    @property
    def reported(self) -> str:
        """What it is called when the client is told that it has no effect."""
        return self.spelled or f"tools.{self.kind}"


class ToolChoice(msgspec.Struct, frozen=True):
    """`auto`, `none`, `required`, or `named` with the tool's name.

    hosted: the kind of the upstream's own tool that the client demands, with the mode `auto`, since no call of the
    client's tools would satisfy it. path: the client's field that names it, for errors.
    """

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str | None = None
    hosted: str = ""
    path: str = ""

    @property
    def demands_call(self) -> bool:
        return self.mode in ("required", "named")


class Format(msgspec.Struct, frozen=True):
    """The form of the answer: `text`, `json_object`, or `json_schema` with its schema."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    name: str = "response"
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of the pictures that it wants; what it left out is `None`.

    size: pixels, or a ratio. inline: the files themselves are wanted, and no links. previews: unfinished pictures that
    a stream may show. endpoint: the endpoint of pictures that was asked, empty in a conversation. path: what stands
    before the names of these fields, for errors.
    """

    n: int | None = None
    size: str | None = None
    inline: bool | None = None
    previews: int = 0
    endpoint: Literal["", "generations", "edits"] = ""
    path: str = ""


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of the film that it wants; what it left out is `None`. The values are those of `choices`.

    path: what stands before the names of these fields, for errors.
    """

    seconds: int | None = None
    size: str | None = None
    resolution: str | None = None
    preset: str | None = None
    path: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request for an answer.

    given: canonical parameter name -> the name the client spelled, for every tunable parameter that
           the client set itself. What an upstream cannot honour is reported by the client's name (H1).
    echo:  what the dialect wants to see again when it encodes the answer; nobody else reads it.
    thinking: whether the client wants to see reasoning; None = the configured default.
    prefill: the beginning of the answer, which the client wrote itself as the last turn; the answer is the rest.
    background: whether the answer is made whoever waits for it, and is asked for later.
    sticky: a conversation key (session header, `user`, `prompt_cache_key`, …); a preference only (P8).
    before: the account that answered this conversation before, as it is stored; a preference too.
    store: the answer will be kept, and with it what its continuation needs.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    hosted_tools: tuple[HostedTool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    seed: int | None = None
    effort: str | None = None
    thinking: bool | None = None
    format: Format = Format()
    prefill: str = ""
    stream: bool | None = None
    background: bool = False
    include_usage: bool = False
    include_encrypted: bool = False
    user: str | None = None
    sticky: str | None = None
    before: str | None = None
    store: bool = False
    drawing: Drawing | None = None
    shot: Shot | None = None
    given: Mapping[str, str] = {}
    extra: Mapping[str, Any] = {}
    echo: Mapping[str, Any] = {}

    def files(self) -> Iterator[Image | File | Attachment]:
        """Every picture, sound and file, in order, those in tool results too."""
        for message in self.messages:
            for part in message.parts:
                inner = part.parts if isinstance(part, ToolResult) else (part,)
                yield from (piece for piece in inner if isinstance(piece, Image | File | Attachment))

    def attachments(self) -> tuple[Attachment, ...]:
        """The files that an upstream is to be given, each content once, in the order in which they first appear."""
        known: dict[str, Attachment] = {}
        for part in self.files():
            if isinstance(part, Attachment):
                known.setdefault(part.digest, part)
        return tuple(known.values())
