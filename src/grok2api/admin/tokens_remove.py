"""`DELETE tokens` and `DELETE tokens/invalid`: accounts go; for a day, undoing the change brings them back."""

import msgspec

from grok2api.accounts.query import Filter, Status
from grok2api.admin.accounts_named import named
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.admin.writing import remove


class Deleted(msgspec.Struct, frozen=True):
    """How many went. `change_id` undoes it; null when there was nothing to do."""

    deleted: int
    change_id: int | None


async def delete_tokens(parts: Parts, call: Call[None, list[str]]) -> Deleted:
    """A list of tokens or account ids. What these accounts are answering goes on."""
    meant = await named(parts, call.body)
    done = await remove(parts, meant.ids, "delete")
    return Deleted(done.count, done.change_id)


async def delete_invalid_tokens(parts: Parts, call: Call[None, None]) -> Deleted:
    """All accounts whose credential the upstream no longer takes."""
    await parts.flush()
    ids = await parts.store.match(Filter(status=Status.EXPIRED), parts.now())
    done = await remove(parts, ids, "delete expired")
    return Deleted(done.count, done.change_id)
