"""A conversation as the one text that grok.com takes: `[role]: words`, a blank line between two parts.

Pure. Tools and their calls are put into words before this, by the gateway. Pictures and files go beside the text, so
the text says by name where each of them belongs. What the gateway itself wrote under an earlier answer, the list of
sources, is taken out again.
"""

from collections.abc import Iterable, Iterator
from typing import assert_never

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.problem import Refusal, invalid
from grok2api.canonical.request import File, Image, Message, Part, Role, Text, Thinking, ToolCall, ToolResult

SOURCES_HEADING = "## Sources"
SOURCES_MARKER = "[grok2api-sources]: #"


def flatten(messages: Iterable[Message]) -> str:
    """The prompt. Raises `Refusal` when the messages hold no words."""
    parts = [part for message in messages for part in _told(message)]
    if not any(parts):
        raise no_words()
    return "\n\n".join(part for part in parts if part)


def no_words() -> Refusal:
    """What is raised for messages that leave nothing to send."""
    return invalid("The messages hold no text to answer", "messages", code="empty_messages")


def without_sources(text: str) -> str:
    """The text without the list of sources that the gateway had written below it."""
    at = text.find(SOURCES_MARKER)
    if at < 0:
        return text
    before = text[:at].rstrip()
    if before.endswith(SOURCES_HEADING):
        before = before.removesuffix(SOURCES_HEADING).rstrip()
    lines = text[at + len(SOURCES_MARKER) :].split("\n")[1:]
    while lines and (lines[0].lstrip().startswith("- [") or not lines[0].strip()):
        lines.pop(0)
    return "\n\n".join(piece for piece in (before, "\n".join(lines)) if piece)


def _told(message: Message) -> Iterator[str]:
    for part in message.parts:
        text = _words(message.role, part)
        if text.strip():
            yield text


def _words(role: Role, part: Part) -> str:
    match part:
        case Text(text):
            shown = without_sources(text) if role is Role.ASSISTANT else text
            return f"[{role}]: {shown}" if shown.strip() else ""
        case ToolResult():
            failed = ", which failed" if part.is_error else ""
            files = (_attached(piece) for piece in part.parts if isinstance(piece, Attachment))
            return f"[tool result for {part.call_id}{failed}]:\n" + "\n".join(filter(None, (part.text, *files)))
        case ToolCall(name=name, arguments=arguments):
            return f"[{role}]:\ncalled {name} with {arguments}"
        case Attachment():
            return f"[{role}]: {_attached(part)}"
        case Thinking() | Image() | File():
            return ""
        case never:
            assert_never(never)


def _attached(file: Attachment) -> str:
    return f"(attached: {file.name})"
