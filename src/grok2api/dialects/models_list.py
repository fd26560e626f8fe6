"""The bodies of `GET /v1/models` and `GET /v1/models/{id}`, in both shapes.

Pure: which models are listed, and under which names, is the caller's to say. `created` (epoch seconds) is a
constant, not the time of the request. Anthropic's shape is a page with cursors.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

#: 2026-01-01T00:00:00Z: the upstreams do not tell a model's date, and a constant keeps caches of clients valid.
CREATED = 1767225600
OWNER = "xai"


class Listed(Protocol):
    """A name that clients may ask for. `title` is for people; empty means the name itself."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...


def openai_model(model: Listed, created: int = CREATED) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "created": created,
        "owned_by": OWNER,
        "name": model.title or model.name,
    }


def openai_list(models: Iterable[Listed], created: int = CREATED) -> dict[str, Any]:
    return {"object": "list", "data": [openai_model(model, created) for model in models]}


def anthropic_model(model: Listed, created: int = CREATED) -> dict[str, Any]:
    return {
        "id": model.name,
        "type": "model",
        "display_name": model.title or model.name,
        "created_at": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
    }


def anthropic_list(
    models: Sequence[Listed], *, limit: int = 1000, after: str | None = None, before: str | None = None
) -> dict[str, Any]:
    """One page: at most `limit` models after the one named `after`, or those just before `before`."""
    names = [model.name for model in models]
    start = names.index(after) + 1 if after in names else 0
    end = names.index(before) if before in names else len(names)
    if before is not None and after is None:
        page, more = models[max(0, end - limit) : end], end > limit
    else:
        page, more = models[start : min(end, start + limit)], end - start > limit
    return {
        "data": [anthropic_model(model) for model in page],
        "has_more": more,
        "first_id": page[0].name if page else None,
        "last_id": page[-1].name if page else None,
    }
