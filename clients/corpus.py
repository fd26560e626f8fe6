"""What clients sent, made small and anonymous: recordings become files of `tests/corpus`. Pure, apart from `keep`.

The shape stays: every field, block, tool and header value that a client chose. What goes: keys, paths and names of
the machine, ids of sessions, long texts (they are the client's own words, and not ours to publish), pictures, and
tools beyond what a small file holds.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

DIALECTS = {"/v1/chat/completions": "chat", "/v1/messages": "messages", "/v1/responses": "responses"}
LARGEST = 14_000

_LONGEST = 160
_WORDS = "Words of the client, shortened."
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGP4z8CAB+GTG8HSALfKY52fTcuYAAAAAElFTkSuQmCC"
_HEADERS = re.compile(r"accept|content-type|user-agent|openai-.*|anthropic-.*|x-app|originator|x-stainless-.*")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w:/.])/(?:tmp|root|home|work|var|usr|private|Users)/[^\s\"'<>`)\\]+")
_KEY = re.compile(r"sk-clients-\w+")
_LONG_HEX = re.compile(r"\b[0-9a-f]{40,}\b")
_DATA = re.compile(r"^data:image/[\w.+-]+;base64,")
_BASE64 = re.compile(r"^[A-Za-z0-9+/]{80,}={0,2}$")
_TAGGED = re.compile(r"^\s*(<([\w-]+)>).*(</\2>)\s*$", re.DOTALL)
_OPAQUE = ("signature", "encrypted_content")


def kind_of(body: Mapping[str, Any]) -> str:
    """What stands out in a request: the name of its file, and what of several alike is kept once."""
    last, whole = json.dumps(_last_turn(body)), json.dumps(body.get("messages", body.get("input")))
    if '"is_error": true' in last:
        return "tool_error"
    if any(mark in last for mark in ('"tool_result"', '_call_output"', '"tool_call_id"')):
        return "tool_result"
    if (
        body.get("response_format")
        or (body.get("text") or {}).get("format")
        or body.get("output_config", {}).get("format")
    ):
        return "schema"
    if not isinstance(body.get("tool_choice"), str | None) or body.get("tool_choice") == "required":
        return "forced_tool"
    if any(mark in whole for mark in ('"image_url"', '"input_image"', '"image"')):
        return "picture"
    if any(mark in whole for mark in ('"tool_use"', '_call_output"', '"tool_calls"', '"assistant"', '"reasoning"')):
        return "later_turn"
    return "tools" if body.get("tools") else "plain"


def chosen(recordings: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Dialect, kind and recording of what is kept: the first of each kind that was answered, whole in itself.

    A request that is sent again after one that failed, or in the other form (streamed or not), counts as a kind.
    """
    done: set[tuple[str, str]] = set()
    seen: dict[str, Mapping[str, Any]] = {}
    for recording in recordings:
        body, dialect = recording["body"], DIALECTS.get(recording["path"].partition("?")[0])
        if dialect is None or recording["status"] == 101 or body.get("previous_response_id"):
            continue
        words = json.dumps(body.get("messages", body.get("input")))
        before = seen.setdefault(words, recording)
        if recording["status"] != 200 or '"item_reference"' in words:
            continue
        again = before["status"] != 200 or bool(before["body"].get("stream")) != bool(body.get("stream"))
        kind = kind_of(body) + ("_again" if again else "")
        if (dialect, kind) not in done:
            done.add((dialect, kind))
            yield dialect, kind, recording


def trimmed(client: str, recording: Mapping[str, Any]) -> dict[str, Any]:
    """The recording as a corpus file has it. `client` is its name and version."""
    names = _Names()
    headers = {
        name: names.hidden(value) for name, value in sorted(recording["headers"].items()) if _HEADERS.fullmatch(name)
    }
    body = _small({name: _trim(value, name, names) for name, value in recording["body"].items()})
    return {"client": client, "path": recording["path"], "headers": headers, "body": body}


def keep(name: str, client: str, recordings: Path, corpus: Path) -> int:
    """Replaces the corpus files of the client `name` by what is in the folder `recordings`; how many there are now."""
    read = [json.loads(path.read_text("utf-8")) for path in sorted(recordings.glob("*.json"))]
    if not read:
        return 0
    for dialect in DIALECTS.values():
        for old in corpus.glob(f"{name}.{dialect}.*.json"):
            old.unlink()
    kept = 0
    for dialect, kind, recording in chosen(read):
        text = json.dumps(trimmed(client, recording), ensure_ascii=False, indent=1)
        (corpus / f"{name}.{dialect}.{kind}.json").write_text(text + "\n", "utf-8")
        kept += 1
    return kept


def _last_turn(body: Mapping[str, Any]) -> Any:
    """The last message that is not the client's own reminder in between."""
    turns = body.get("messages", body.get("input"))
    if not isinstance(turns, list):
        return turns
    return next((turn for turn in reversed(turns) if turn.get("role") not in ("system", "developer")), None)


class _Names:
    """Ids by order of appearance, so that what was the same stays the same."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def hidden(self, text: str) -> str:
        text = _UUID.sub(lambda found: self._id(found[0]), text)
        text = _LONG_HEX.sub("0" * 40, _KEY.sub("KEY", text))
        return _PATH.sub(lambda found: f"/home/user/project/{found[0].rstrip('/').rsplit('/', 1)[-1]}", text)

    def _id(self, found: str) -> str:
        return self._ids.setdefault(found, f"00000000-0000-4000-8000-{len(self._ids):012}")


def _trim(value: Any, name: str, names: _Names) -> Any:
    if isinstance(value, dict):
        return {names.hidden(key): _trim(one, key, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_trim(one, name, names) for one in value]
    return _text(value, name, names) if isinstance(value, str) else value


def _text(value: str, name: str, names: _Names) -> str:
    if name == "description":
        return "What it is for."
    if _DATA.match(value):
        return f"data:image/png;base64,{_DOT}"
    if _BASE64.match(value):
        return _DOT
    if name in _OPAQUE:
        return names.hidden(value[:_LONGEST])
    inner = _json(value)
    if inner is not None:
        return json.dumps(_trim(inner, name, names), ensure_ascii=False)
    if len(value) <= _LONGEST:
        return names.hidden(value)
    tagged = _TAGGED.match(value)
    return f"{tagged[1]}\n{_WORDS}\n{tagged[3]}" if tagged else _WORDS


def _json(value: str) -> Any:
    """A JSON object that is written in a string, as arguments and ids of users are."""
    if not value.startswith("{"):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _small(body: dict[str, Any]) -> dict[str, Any]:
    """Without the largest of the tools that nobody called, while the body is too large; one of each type stays."""
    tools = list(body.get("tools") or [])
    history = json.dumps(body.get("messages", body.get("input")))
    while len(json.dumps(body, indent=1)) > LARGEST:
        spare = [
            tool
            for tool in tools
            if sum(other.get("type") == tool.get("type") for other in tools) > 1 and f'"{_named(tool)}"' not in history
        ]
        if not spare:
            break
        tools.remove(max(spare, key=lambda tool: len(json.dumps(tool))))
        body = {**body, "tools": tools}
    return body


def _named(tool: Mapping[str, Any]) -> str:
    return str(tool.get("name") or (tool.get("function") or {}).get("name"))
