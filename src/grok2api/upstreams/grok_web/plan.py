"""What grok.com does with a request: honours it, leaves it to the gateway, ignores it by name, or cannot serve it.

The chat takes words and a mode. It has no parameters at all, so whatever the client tuned and the gateway does not do
itself is reported under the client's own name. Web and X search are always on, when the model sees fit.
"""

from collections.abc import Iterator

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import HostedTool, Message, Part, Request, Text, ToolCall, ToolResult
from grok2api.upstreams.base import Plan
from grok2api.upstreams.grok_web.flatten import no_words

#: Parameters that have their effect: here, in the gateway's stages, or in the dialect. All others have none.
_HONOURED = frozenset(
    {
        "format",
        "include_usage",
        "max_tokens",
        "messages",
        "model",
        "n",
        "parallel_tool_calls",
        "sticky",
        "stop",
        "stream",
        "thinking",
        "tool_choice",
        "tools",
        "user",
    }
)
#: Attachments that a message may have (upstream protocol, 4).
MOST_FILES = 8

_SEARCHES = ("web_search", "x_search")
_NAMING = ("type", "name")


def plan(request: Request, *, takes_files: bool = True) -> Plan:
    """How this request will be served. Raises `Refusal` for messages that leave nothing to send, and for a demand of a
    tool that there is not."""
    file = next(request.files(), None)
    if file is not None and not takes_files:
        raise invalid("This version does not take pictures or files yet", file.path, code="unsupported_content")
    if file is None and not any(_has_words(part) for message in request.messages for part in message.parts):
        raise no_words()
    choice = request.tool_choice
    if choice.hosted and not choice.hosted.startswith(_SEARCHES):
        raise invalid(f"{choice.path} demands a tool that this model does not have", choice.path)
    return Plan(
        ignored=tuple(dict.fromkeys(_ignored(request))),
        emulate_tools=bool(request.tools) or any(_has_call(message) for message in request.messages),
        emulate_stop=bool(request.stop),
        emulate_limit=request.max_tokens is not None,
        emulate_format=request.format.kind != "text",
        counts=False,
        most_files=MOST_FILES,
    )


def _ignored(request: Request) -> Iterator[str]:
    for name, spelled in request.given.items():
        if name == "effort" and request.effort == "none":
            continue  # hides the thinking, which the gateway does
        if name not in _HONOURED or (name == "tool_choice" and not _chooses(request)):
            yield spelled
    for tool in request.hosted_tools:
        yield from _ignored_of(tool)


def _chooses(request: Request) -> bool:
    """Whether a choice is among tools of the client's, which the gateway can see to."""
    return bool(request.tools) and not request.tool_choice.hosted


def _ignored_of(tool: HostedTool) -> Iterator[str]:
    if not tool.kind.startswith(_SEARCHES):
        yield tool.reported
        return
    for setting in tool.settings:
        if setting not in _NAMING:
            yield f"{tool.reported}.{setting}"


def _has_words(part: Part) -> bool:
    return isinstance(part, ToolCall | ToolResult) or (isinstance(part, Text) and bool(part.text.strip()))


def _has_call(message: Message) -> bool:
    return any(isinstance(part, ToolCall) for part in message.parts)
