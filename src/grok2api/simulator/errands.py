"""Small pieces of work with files that a user gives to a coding agent, done with whatever tools the agent offers.

    Write the text "blue heron" into a file named note.txt, then read the file back and say what it holds.

Pure. An errand is what the words ask for, in their order: write a text into a file, read a file, run a command. For
each the tools are searched for one that can do it, by the words of its name and by what it takes, so every agent's
own tool is found: `Write`, `write_file`, `apply_patch`, `exec_command`. One call is made for each turn; when every
act has its result, the simulator says what came of it. An errand is followed over the whole conversation, whatever
reminders the agent puts between the turns.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from shlex import quote
from typing import Any, NamedTuple

from grok2api.simulator.invent import value_for
from grok2api.simulator.reading import Asked, Offered
from grok2api.simulator.render import encode
from grok2api.simulator.script import Call, Say, Step

_FILE = r"[`\"'“]?(?P<path>[\w~./-]*\w\.\w{1,8})[`\"'”]?"
_TEXT = r"(?:the (?:text|words?|lines?) )?\\?[\"“'`](?P<text>[^\"”'`\\]{1,2000})\\?[\"”'`]"
_INTO = r"(?:in)?to (?:a |the )?(?:new )?(?:file )?(?:named |called )?"
_ACTS = re.compile(
    rf"(?i)\b(?:(?P<write>write|save|put) {_TEXT} {_INTO}{_FILE}"
    rf"|(?P<read>read) (?:(?P<again>(?:the file|it) back)|(?:the file )?{_FILE.replace('path', 'source')})"
    r"|(?P<run>run) `(?P<command>[^`\n]{1,2000})`)"
)
_REPORTS = re.compile(r"(?i)\b(?:say|tell me|report) what\b")
_RESULT_SHOWN = 400


class Act(NamedTuple):
    """One thing to be done. kind: `write`, `read` or `run`; path and text as the words say, text also a command."""

    kind: str
    path: str = ""
    text: str = ""


class _Way(NamedTuple):
    """How a kind of tool does a kind of act. names: one of these words is in the tool's name. takes: what it needs."""

    names: frozenset[str]
    takes: tuple[str, ...]


_RUN = _Way(frozenset({"bash", "shell", "exec", "command", "terminal"}), ("command",))
_WAYS: Mapping[str, tuple[_Way, ...]] = {
    "write": (
        _Way(frozenset({"write", "create", "save"}), ("path", "content")),
        _Way(frozenset({"patch"}), ("patch",)),
        _RUN,
    ),
    "read": (_Way(frozenset({"read"}), ("path",)), _RUN),
    "run": (_RUN,),
}

#: What tools call their parameters, in small letters and without what joins words.
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "path": frozenset({"path", "filepath", "file", "filename", "absolutepath", "targetfile"}),
    "content": frozenset({"content", "contents", "text", "filetext"}),
    "patch": frozenset({"patch", "input", "patchtext"}),
    "command": frozenset({"command", "cmd"}),
}

_SHELL: Mapping[str, Callable[[Act], str]] = {
    "write": lambda act: f"printf '%s\\n' {quote(act.text)} > {quote(act.path)}",
    "read": lambda act: f"cat {quote(act.path)}",
    "run": lambda act: act.text,
}


def acts_in(text: str) -> tuple[Act, ...]:
    """What these words ask for; nothing when they are no errand."""
    acts: list[Act] = []
    for found in _ACTS.finditer(text):
        if found["write"]:
            acts.append(Act("write", found["path"], found["text"]))
        elif found["run"]:
            acts.append(Act("run", "", found["command"]))
        elif found["source"] or acts:
            acts.append(Act("read", found["source"] or acts[-1].path))
    return tuple(acts) if len(acts) > 1 or (acts and _REPORTS.search(text)) else ()


def next_steps(asked: Asked) -> tuple[Step, ...] | None:
    """The next call, or the report at the end; `None` when nobody gave an errand or no tool can do it."""
    begun = max((at for at, (role, text) in enumerate(asked.turns) if role == "user" and acts_in(text)), default=None)
    if begun is None or asked.demanded:
        return None
    words = asked.turns[begun][1]
    acts = acts_in(words)
    since = asked.turns[begun:]
    results = [text for role, text in since if role == "tool"]
    if len(results) < len(acts):
        call = _call(acts[len(results)], asked.tools, words)
        return None if call is None else (call,)
    last = max(at for at, (role, _) in enumerate(since) if role == "tool")
    said_since = any(role in ("user", "assistant") and text for role, text in since[last:])
    return None if said_since else (Say(_report(acts, results)),)


def _call(act: Act, tools: Iterable[Offered], words: str) -> Call | None:
    """A tool that the words name goes before others; then the order of the ways counts, then that of the tools."""
    able = [(tool, way) for way in _WAYS[act.kind] for tool in tools if _can(tool, way)]
    able.sort(key=lambda pair: not re.search(rf"(?<![\w-]){re.escape(pair[0].name)} (?:tool|function)\b", words))
    if not able:
        return None
    tool, way = able[0]
    values = _values(act)
    given: dict[str, Any] = {_parameter(tool, need): values[need] for need in way.takes}
    properties = tool.schema.get("properties") or {}
    for name in given:
        if (properties.get(name) or {}).get("type") == "array":
            given[name] = ["bash", "-lc", given[name]]
    for name in tool.schema.get("required") or ():
        if name not in given:
            given[name] = value_for(properties.get(name, {}), words)
    return Call(tool.name, encode(given).decode())


def _can(tool: Offered, way: _Way) -> bool:
    words = {part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", tool.name)}
    return bool(words & way.names) and all(_parameter(tool, need) for need in way.takes)


def _parameter(tool: Offered, need: str) -> str:
    """What `tool` calls the thing that is needed; empty when it takes no such thing."""
    names = tool.schema.get("properties") or {}
    return next((name for name in names if re.sub(r"[^a-z]", "", name.lower()) in _PARAMETERS[need]), "")


def _values(act: Act) -> Mapping[str, str]:
    lines = "".join(f"+{line}\n" for line in act.text.split("\n"))
    return {
        "path": act.path,
        "content": f"{act.text}\n",
        "patch": f"*** Begin Patch\n*** Add File: {act.path}\n{lines}*** End Patch\n",
        "command": _SHELL[act.kind](act),
    }


def _report(acts: tuple[Act, ...], results: list[str]) -> str:
    """What the last act gave; a text that was written before is named only if it really came back."""
    last, result = acts[-1], results[len(acts) - 1]
    subject = last.path or f"`{last.text}`"
    written = next((act.text for act in reversed(acts) if act.kind == "write" and act.path == last.path), None)
    if written is not None and written in result:
        return f"Done. The file {subject} holds: {written}"
    return f"Done. This came of {subject}: {' '.join(result.split())[:_RESULT_SHOWN] or 'nothing'}"
