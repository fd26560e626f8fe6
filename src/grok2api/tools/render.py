"""Calls and tools as words: the XML in which a model is asked to call, and in which it sees its earlier calls."""

from collections.abc import Sequence

import msgspec

from grok2api.canonical.request import Tool, ToolCall
from grok2api.tools.arguments import compact
from grok2api.tools.offers import Offers

#: The one canonical form (`upstream-protocol.md` 11.1), as it is shown to the model.
EXAMPLE = """\
<tool_calls>
  <tool_call>
    <tool_name>NAME</tool_name>
    <parameters>{"key": "value"}</parameters>
  </tool_call>
</tool_calls>"""


def calls(made: Sequence[ToolCall], offers: Offers) -> str:
    """Earlier calls in the canonical form. Several of one turn bear their ids, to tell their results apart."""
    return "\n".join(["<tool_calls>", *(_call(call, offers, len(made) > 1) for call in made), "</tool_calls>"])


def tools(offers: Offers) -> str:
    """Every offered tool that is not deferred: name, description, and what it takes."""
    return "\n\n".join(_tool(name, tool) for name, tool in offers if not tool.deferred)


def _call(call: ToolCall, offers: Offers, with_id: bool) -> str:
    attribute = f' id="{_attribute(call.id)}"' if with_id else ""
    name = offers.name_of(call.name, call.namespace)
    return (
        f"  <tool_call{attribute}>\n"
        f"    <tool_name>{name}</tool_name>\n"
        f"    <parameters>{_arguments(call)}</parameters>\n"
        "  </tool_call>"
    )


def _arguments(call: ToolCall) -> str:
    """On one line; arguments that are not JSON at all are shown as they are, since that is what was called."""
    if call.custom:
        return _json({"input": call.arguments})
    return compact(call.arguments) or call.arguments or "{}"


def _tool(name: str, tool: Tool) -> str:
    lines = [f"### {name}"]
    if tool.description.strip():
        lines.append(tool.description.strip())
    if not tool.custom:
        lines.append(f"Parameters (JSON schema): {_json(tool.schema or {'type': 'object'})}")
        return "\n".join(lines)
    lines.append('Takes free text, not JSON members. Put all of it into one member: {"input": "the text"}')
    if tool.grammar:
        lines.append(_grammar(tool))
    return "\n".join(lines)


def _grammar(tool: Tool) -> str:
    grammar = tool.grammar or {}
    definition = grammar.get("definition")
    if not isinstance(definition, str):
        return f"The text must have this format: {_json(grammar)}"
    syntax = grammar.get("syntax")
    kind = f" ({syntax})" if isinstance(syntax, str) else ""
    return f"The text must follow this grammar{kind}:\n{definition}"


def _attribute(text: str) -> str:
    return "".join(char for char in text if char.isalnum() or char in "_-.:")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
