"""What a caller asks, as far as a canned answer needs to know it: words, tools, results, format.

Pure. The console's body says all of it in fields. Over grok.com everything is one flattened text, in
which tools and formats are described in words; those are recognised by their JSON, not by the wording.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_PART = re.compile(r"(?m)^\[(system|user|assistant|tool result for [^\]\n]*)\]:[ \n]?")
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
_DEMANDS = re.compile(
    r"(?i)\b(must (?:call|use)|at least one (?:tool )?call|call at least one|required to (?:call|use)|have to call)\b"
)
_WANTS_JSON = re.compile(
    r"(?i)\b(?:only|single|exactly one|valid|must|nothing but)\b[^\n]{0,80}\bJSON\b|\bJSON\b[^\n]{0,80}(?:\b|_)schema\b"
)
_ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
_WANTS_OBJECT = re.compile(r"(?i)\b(?:only|single|exactly one|nothing but|must be)\b[^\n]{0,60}\bJSON object\b")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NAMED = re.compile(
    r"(?i)\b(?:tool|function|name)\b(?:[^A-Za-z0-9]{1,3}name\b)?[^A-Za-z0-9]{1,6}"
    r"(?!(?:is|the|to|this|name)\b)([A-Za-z0-9_.-]{1,64})"
)
_HEADING = re.compile(r"(?m)^### +([A-Za-z0-9_.-]{1,64})[ \t]*$")
#: What a tool takes that is offered with an example of its one member instead of a schema.
_FREE_TEXT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}
_QUOTED_NAME = re.compile(r"[`\"']([A-Za-z0-9_.-]{1,64})[`\"']")


class Offered(msgspec.Struct, frozen=True):
    """A tool that the caller would run."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = {}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request for an answer, understood.

    text: the last thing the user said. results: what tools answered since. schema: JSON that the answer must
    satisfy, `None` for prose. search: whether the upstream may search by itself. files: what came with the message.
    turns: the whole conversation, as pairs of who (`system`, `user`, `assistant`, `tool`) and what.
    """

    text: str
    tools: tuple[Offered, ...] = ()
    demanded: bool = False
    demanded_name: str | None = None
    results: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    search: bool = False
    thinks: bool = True
    agents: int = 0
    files: tuple[str, ...] = ()
    turns: tuple[tuple[str, str], ...] = ()


def json_objects(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The outermost JSON objects in a text: start, end, value."""
    decoder, at = json.JSONDecoder(strict=False), text.find("{")
    while at >= 0:
        try:
            value, after = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        yield at, after, value
        at = text.find("{", after)


def _is_schema(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("properties"), dict) or ("type" in value and len(value) == 1) or "$defs" in value


def _schema_of(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for key in ("parameters", "input_schema", "schema", "arguments"):
        if isinstance(value.get(key), dict):
            found: Mapping[str, Any] = value[key]
            return found
    return None


def _name_before(text: str) -> str:
    """The word that the lines before a schema seem to name: `### x`, `Tool: x`, `- x: …`.

    A line that is nothing but such a heading wins, and the first of them: a long description may have headings,
    lists and words in quotes of its own.
    """
    heading = _HEADING.search(text)
    if heading:
        return heading[1]
    for line in reversed(text.rstrip().splitlines()[-8:]):
        named = _NAMED.search(line)
        if named:
            return named[1]
        quoted = _QUOTED_NAME.search(line)
        if quoted:
            return quoted[1]
        marked = re.match(r"\s*(?:#+|[-*]|\d+[.)])\s*([A-Za-z0-9_.-]{1,64})", line)
        if marked:
            return marked[1].rstrip(".")
    return ""


def _tools_in(block: str) -> Iterator[Offered]:
    last = 0
    for start, after, value in json_objects(block):
        nested = value.get("function")
        inner = nested if isinstance(nested, dict) else value
        name, schema = inner.get("name"), _schema_of(inner)
        is_tool = schema is not None or "description" in inner
        if is_tool and isinstance(name, str) and _NAME.fullmatch(name):
            yield Offered(name, str(inner.get("description") or ""), schema or {})
            last = after
        elif _is_schema(value) and (before := _name_before(block[last:start])):
            yield Offered(before, block[last:start].strip()[-400:], value)
            last = after
        elif set(value) == {"input"} and (heading := list(_HEADING.finditer(block, last, start))):
            yield Offered(heading[-1][1], block[last:start].strip()[-400:], _FREE_TEXT)
            last = after


def read_message(message: str, *, mode: str, search: bool, files: tuple[str, ...] = ()) -> Asked:
    """A flattened message of grok.com."""
    parts = [
        (found[1], message[found.end() : following])
        for found, following in _with_next(list(_PART.finditer(message)), len(message))
    ]
    last_user = max((at for at, (role, _) in enumerate(parts) if role == "user"), default=-1)
    text = parts[last_user][1] if last_user >= 0 else message
    results = tuple(body.strip() for role, body in parts[last_user + 1 :] if role.startswith("tool result"))
    first = message.index("[user]:") if last_user >= 0 and "[user]:" in message else 0
    system = message[:first]
    offers_tools = "<tool_calls>" in system
    tools = tuple(_tools_in(system)) if offers_tools else ()
    demanded, name = _demand(system, tools) if tools else (False, None)
    return Asked(
        text=_REMINDER.sub("", text).strip(),
        tools=tools,
        demanded=demanded and not results,
        demanded_name=name,
        results=results,
        schema=_schema_in(message, tools),
        search=search,
        thinks=mode != "fast",
        agents=4 if mode == "heavy" else 0,
        files=files,
        turns=tuple((role.partition(" ")[0], _REMINDER.sub("", body).strip()) for role, body in parts),
    )


def _with_next(found: list[re.Match[str]], end: int) -> Iterator[tuple[re.Match[str], int]]:
    for at, one in enumerate(found):
        yield one, found[at + 1].start() if at + 1 < len(found) else end


def _demand(system: str, tools: tuple[Offered, ...]) -> tuple[bool, str | None]:
    offer = next((body for body in re.split(_PART, system) if "<tool_calls>" in body), system)
    heading = _HEADING.search(offer)
    said = offer[: heading.start()] if heading else offer  # descriptions, and the client's own words, demand nothing
    found = list(_DEMANDS.finditer(said))
    if not found:
        return False, None
    tail = said[found[-1].start() : found[-1].end() + 120]
    named = [tool.name for tool in tools if re.search(rf"(?<![\w-]){re.escape(tool.name)}(?![\w-])", tail)]
    return True, named[0] if named else None


def _schema_in(message: str, tools: tuple[Offered, ...]) -> Mapping[str, Any] | None:
    """The schema that an instruction states, if the message has one that belongs to no tool."""
    if not _WANTS_JSON.search(message):
        return None
    offered = [dict(tool.schema) for tool in tools]
    for _, _, value in json_objects(message):
        inner = value.get("schema") if isinstance(value.get("schema"), dict) else value
        if isinstance(inner, dict) and "name" not in value and _is_schema(inner) and inner not in offered:
            return inner
    return _ANY_OBJECT if _WANTS_OBJECT.search(message) and not tools else None


def read_body(body: Mapping[str, Any]) -> Asked:
    """A body of the Responses API."""
    given = body.get("input")
    items: list[Any] = given if isinstance(given, list) else [{"role": "user", "content": given}]
    entries = [item for item in items if isinstance(item, dict)]
    last_user = max((at for at, item in enumerate(entries) if item.get("role") == "user"), default=-1)
    outputs = [item for item in entries[last_user + 1 :] if str(item.get("type")).endswith("_call_output")]
    declared = [tool for tool in body.get("tools") or [] if isinstance(tool, dict)]
    choice = body.get("tool_choice")
    named = choice.get("name") if isinstance(choice, dict) else None
    model = str(body.get("model") or "")
    effort = (body.get("reasoning") or {}).get("effort") if isinstance(body.get("reasoning"), dict) else None
    tools = tuple(_offered(tool) for tool in declared if tool.get("type") == "function") if choice != "none" else ()
    wanted = _format(body.get("text"))
    if wanted in (None, _ANY_OBJECT):  # what the JSON is to be may be said in words
        wanted = _schema_in(words_of(body), tools) or wanted
    return Asked(
        text=_REMINDER.sub("", _text(entries[last_user].get("content")) if last_user >= 0 else "").strip(),
        tools=tools,
        demanded=bool(tools) and (choice == "required" or named is not None),
        demanded_name=named,
        results=tuple(_text(item.get("output")) for item in outputs),
        schema=wanted,
        search=any(str(tool.get("type")).startswith(("web_search", "x_search")) for tool in declared),
        thinks="non-reasoning" not in model and effort != "none",
        agents=4 if "multi-agent" in model else 0,
        turns=tuple(_turn(item) for item in entries),
    )


def _turn(item: Mapping[str, Any]) -> tuple[str, str]:
    if str(item.get("type")).endswith("_call_output"):
        return "tool", _text(item.get("output"))
    return str(item.get("role") or "assistant"), _REMINDER.sub("", _text(item.get("content"))).strip()


def _offered(tool: Mapping[str, Any]) -> Offered:
    return Offered(str(tool.get("name") or ""), str(tool.get("description") or ""), tool.get("parameters") or {})


def _format(text: Any) -> Mapping[str, Any] | None:
    form = text.get("format") if isinstance(text, dict) else None
    if not isinstance(form, dict):
        return None
    if form.get("type") == "json_schema":
        return form.get("schema") or _ANY_OBJECT
    return _ANY_OBJECT if form.get("type") == "json_object" else None


def words_of(body: Mapping[str, Any]) -> str:
    """Everything that is said in a body of the Responses API, as grok.com gets it in one text."""
    given = body.get("input")
    entries = given if isinstance(given, list) else [{"content": given}]
    said = (_text(entry.get("content") or entry.get("output")) for entry in entries if isinstance(entry, dict))
    return "\n".join([_text(body.get("instructions")), *said])


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return "" if content is None else json.dumps(content)
    return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict) and part.get("text"))
