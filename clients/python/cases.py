"""What the scripts share: they are told where the gateway is, run their cases, and say a line of JSON for each.

Needs nothing but Python's own library, because it is run by the interpreter of every client.
"""

import asyncio
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

URL = os.environ["CLIENT_URL"]
V1 = f"{URL}/v1"
KEY = os.environ["CLIENT_KEY"]
MODEL = os.environ["CLIENT_MODEL"]
BACKEND = os.environ["CLIENT_BACKEND"]
ONLY = os.environ.get("CLIENT_ONLY", "")

_CASES: list[tuple[str, Callable[[], Any]]] = []


class Skip(Exception):  # noqa: N818 - not an error: the case has a reason not to be run
    """The case is not run; the text says why."""


def case(name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Make a function, plain or async, a case of this name. It fails by raising."""

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        _CASES.append((name, function))
        return function

    return register


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
