"""What the scripts share: they are told where the gateway is, run their cases, and say a line of JSON for each.

Needs nothing but Python's own library, because it is run by the interpreter of every client.
"""

import asyncio
import inspect
import json
import os
import struct
import sys
import traceback
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

URL = os.environ["CLIENT_URL"]
V1 = f"{URL}/v1"
KEY = os.environ["CLIENT_KEY"]
MODEL = os.environ["CLIENT_MODEL"]
BACKEND = os.environ["CLIENT_BACKEND"]
ONLY = os.environ.get("CLIENT_ONLY", "")
FOLDER = Path(os.environ["CLIENT_FOLDER"])
ON_GROK_COM = BACKEND == "grok.com"

_SIMULATOR = os.environ["CLIENT_SIMULATOR"]

_CASES: list[tuple[str, Callable[[], Any]]] = []


class Skip(Exception):  # noqa: N818 - not an error: the case has a reason not to be run
    """The case is not run; the text says why."""


def case(name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Make a function, plain or async, a case of this name. It fails by raising."""

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        _CASES.append((name, function))
        return function

    return register


def scripted(*answers: Any, contains: str) -> None:
    """Have the simulated model give these answers, one each, to messages with `contains` in them.

    An answer is a text, or a list of steps as docs/simulator.md has them.
    """
    for nth, answer in enumerate(answers, 1):
        script = answer if isinstance(answer, str) else {"steps": answer}
        _order({"match": {"contains": contains, "nth": nth}, "script": script})


def asked(last: int = 1) -> str:
    """What the upstream was sent with its last requests for an answer, as text: whether a fact came through."""
    with urllib.request.urlopen(f"{_SIMULATOR}/_sim/journal", timeout=10.0) as answer:
        entries: list[dict[str, Any]] = json.load(answer)
    chats = [entry for entry in entries if entry.get("body") and entry["endpoint"] in ("web", "console")]
    return json.dumps([entry["body"] for entry in chats[-last:]], ensure_ascii=False)


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A step that calls a tool."""
    return {"type": "call", "name": name, "arguments": json.dumps(arguments)}


def _order(scenario: dict[str, Any]) -> None:
    request = urllib.request.Request(f"{_SIMULATOR}/_sim/scenarios", json.dumps(scenario).encode())
    with urllib.request.urlopen(request, timeout=10.0):
        pass


def equal(found: Any, expected: Any) -> None:
    """Raise an `AssertionError` that shows both."""
    assert found == expected, f"{found!r} is not {expected!r}"


def refusal(kind: type[Exception], ask: Callable[[], Any]) -> Any:
    """The exception of this kind that asking ends in. Raises an `AssertionError` when it ends in an answer."""
    try:
        found = ask()
    except kind as error:
        return error
    raise AssertionError(f"it was answered: {found!r}")


def ordered(items: Sequence[str], *wanted: str) -> None:
    """Raise unless all of these are there, in this order, with anything between."""
    rest = iter(items)
    missing = [one for one in wanted if one not in rest]  # looking for one uses up what stands before it
    assert not missing, f"missing, or too early: {missing} in {list(items)[-12:]}"


def png() -> bytes:
    """A picture of two colours that every viewer opens."""
    rows = b"".join(b"\0" + b"\xff\x40\x40" * 32 + b"\x30\x60\x90" * 32 for _ in range(64))
    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def tell(name: str, ok: bool | None, detail: str = "") -> None:
    """Say what came of a case; `None` is one that was not run."""
    sys.stdout.write("\n" + json.dumps({"case": name, "ok": ok, "detail": detail}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run every case in the order of the file."""
    for name, function in _CASES:
        if ONLY in name:
            _run(name, function)


def _run(name: str, function: Callable[[], Any]) -> None:
    try:
        done = function()
        if inspect.iscoroutine(done):
            asyncio.run(done)
    except Skip as why:
        tell(name, None, str(why))
    except Exception as error:
        tell(name, False, _said(error))
    else:
        tell(name, True)


def _said(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    where = f" (line {frames[-1].lineno}: {frames[-1].line})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:900]}{where}"
