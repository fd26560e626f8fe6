"""The models as Codex reads them: `GET /v1/models?client_version=…`, and the file `model_catalog_json` of its settings.

Pure. The members are those that Codex 0.169 demands, and those that say what our models can do. A catalog without
instructions is refused by Codex as a whole, and its own are for its own models, so these are ours. How large a context
is none of our sources says, so `context_window` is left out; when Codex is to compact is said instead, since without
either it never would.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from grok2api.catalog import MODELS, Model

INSTRUCTIONS = """\
You are a coding agent. You work in the terminal of the user, in a directory of theirs, through the tools that you are \
given; Codex runs them and brings back what they print.

- Find out before you act: read the files that matter, look at how things are done there, and do it the same way. \
Files named AGENTS.md hold rules for the directory that they are in and those below; keep them.
- Change files with `apply_patch` where you have it, and only what the task needs. Never undo changes that you did not \
make. Do not commit, delete or install anything that nobody asked for.
- Prefer `rg` for searching. Run several independent commands at once where that is possible.
- Go on until the task is done, and check it: run the tests or the program. If something stays open or fails, say so \
plainly; do not claim what you did not see.
- Before a longer step say in one sentence what you are going to do. At the end say briefly what you did and where, \
with paths like `src/app.py:12`. No long quotations of files that you have just written."""

#: Tokens at which Codex compacts: below the smallest window that it would take for granted itself (272,000).
COMPACT_AT = 200_000

_EFFORTS = {
    "low": "Short thinking, quick answers.",
    "medium": "Some thinking.",
    "high": "Long thinking for hard tasks.",
    "xhigh": "The longest thinking.",
}


class Described(Protocol):
    """A name that clients may ask for, and the model that answers to it."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def model(self) -> Model: ...


def catalogue(models: Iterable[Described]) -> list[dict[str, Any]]:
    """One entry for each name of a model that talks, the first of them first in Codex's picker."""
    talking = [one for one in models if one.model.talks]
    return [_entry(one, place) for place, one in enumerate(talking)]


def _entry(one: Described, place: int) -> dict[str, Any]:
    efforts = _efforts(one.model)
    return {
        "slug": one.name,
        "display_name": one.title or one.name,
        "description": None,
        "base_instructions": INSTRUCTIONS,
        "supported_reasoning_levels": [{"effort": name, "description": _EFFORTS[name]} for name in efforts],
        **({"default_reasoning_level": one.model.effort} if efforts else {}),
        "shell_type": "unified_exec",
        "apply_patch_tool_type": "freeform",
        "experimental_supported_tools": [],
        "supports_parallel_tool_calls": True,
        "input_modalities": ["text", "image"],
        "truncation_policy": {"mode": "tokens", "limit": 10_000},
        "auto_compact_token_limit": COMPACT_AT,
        "support_verbosity": False,
        "visibility": "list",
        "supported_in_api": True,
        "priority": place,
    }


def _efforts(model: Model) -> tuple[str, ...]:
    """The efforts that a caller may choose: those that rows of the same upstream model have fixed."""
    if model.effort is None or model.effort_fixed:
        return ()
    fixed = {row.effort for row in MODELS if row.upstream_name == model.upstream_name and row.effort_fixed}
    return tuple(name for name in _EFFORTS if name in fixed)
