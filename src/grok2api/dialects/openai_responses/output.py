"""Output items, as values: how they begin and what they come to.

The streamed frames and the whole answer take their items from here, so the two cannot differ (S15).
"""

from collections.abc import Iterable
from typing import Any

from grok2api.canonical.events import CallOpened, Cited, Searched
from grok2api.canonical.request import Tool
from grok2api.dialects.openai_responses import client_tools


def reasoning(ident: str, text: str, encrypted: str | None, status: str = "completed") -> dict[str, Any]:
    """A reasoning item; no summary when the reasoning is not readable."""
    item: dict[str, Any] = {
        "id": ident,
        "type": "reasoning",
        "status": status,
        "summary": [summary(text)] if text else [],
    }
    if encrypted is not None:
        item["encrypted_content"] = encrypted
    return item


def summary(text: str) -> dict[str, Any]:
    """The one part of a reasoning summary."""
    return {"type": "summary_text", "text": text}


def message(ident: str, content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    """A message of the assistant."""
    return {"id": ident, "type": "message", "role": "assistant", "status": status, "content": content}


def output_text(text: str, annotations: list[dict[str, Any]]) -> dict[str, Any]:
    """The one part of a message; holds `annotations` itself, so that a late citation still reaches it."""
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def annotation(cited: Cited) -> dict[str, Any]:
    """A citation; offsets in characters of the part."""
    return {
        "type": "url_citation",
        "url": cited.url,
        "title": cited.title,
        "start_index": cited.start,
        "end_index": cited.end,
    }


class Homes:
    """What a call's item says of the tool beside its name, by the tools of the request."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        homes: dict[str, set[str | None]] = {}
        self._builtin: dict[str, str] = {}
        for tool in tools:
            homes.setdefault(tool.name, set()).add(tool.namespace)
            if tool.builtin:
                self._builtin[tool.name] = tool.builtin
        self._homes = {name: home for name, [home, *others] in homes.items() if home is not None and not others}

    def namespace(self, call: CallOpened) -> str | None:
        """Where the tool stands. Wires without namespaces lose it; a name that stands in exactly one tells it."""
        return call.namespace or self._homes.get(call.name)

    def builtin(self, call: CallOpened) -> str:
        """Which of OpenAI's own tools is called; empty for a tool of the client."""
        return self._builtin.get(call.name, "") if call.namespace is None and not call.custom else ""

    def prefix(self, call: CallOpened) -> str:
        """How the id of the call's item begins."""
        kind = self.builtin(call)
        return client_tools.BUILTINS[kind].prefix if kind else "ctc_" if call.custom else "fc_"


def call(ident: str, opened: CallOpened, homes: Homes, arguments: str, status: str) -> dict[str, Any]:
    """A call for the client; `arguments` is free text for a custom tool."""
    builtin = homes.builtin(opened)
    if builtin:
        return client_tools.call(ident, opened.id, builtin, arguments, status)
    namespace = homes.namespace(opened)
    item: dict[str, Any] = {
        "id": ident,
        "type": "custom_tool_call" if opened.custom else "function_call",
        "status": status,
        "call_id": opened.id,
        "name": opened.name,
        "input" if opened.custom else "arguments": arguments,
    }
    if namespace is not None:
        item["namespace"] = namespace
    return item


def whole_arguments(opened: CallOpened, text: str) -> str:
    """The arguments of a finished call: a function that takes none is still called with JSON."""
    return text if text or opened.custom else "{}"


def search(ident: str, searched: Searched | None, status: str) -> dict[str, Any]:
    """A search that the upstream ran; `None` when it is only announced."""
    query = searched.query if searched is not None else ""
    sources = searched.sources if searched is not None else ()
    return {
        "id": ident,
        "type": "web_search_call",
        "status": status,
        "action": {
            "type": "search",
            "query": query,
            "sources": [{"type": "url", "url": source.url} for source in sources],
        },
    }
