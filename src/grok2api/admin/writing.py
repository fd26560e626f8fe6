"""Administrative writes: each is noted in the audit, and in force in this process before it is answered.

What serving changed is written first, so that a decision is made about the account as it is. Then there is one
transaction, and nothing is half done when the store goes away (D4); then the pool takes it over.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from grok2api.accounts.model import Account
from grok2api.accounts.query import Note
from grok2api.admin.codes import refuse
from grok2api.admin.parts import Added, Changed, Parts, Removed, Replaced, Undone
from grok2api.storage.errors import StoreConflict, StoreError

T = TypeVar("T")
How = Callable[[Account], Account]

ACTOR = "admin"


async def add(parts: Parts, fresh: Sequence[Account], action: str, detail: str = "") -> Added:
    """New accounts; those that are here already are left as they are."""
    return await _administered(parts, lambda: parts.store.add(fresh, noted(parts, action, detail)))


async def change(parts: Parts, ids: Collection[str], how: How, action: str, detail: str = "") -> Changed:
    """Each of these accounts becomes `how` of it. Raises `Refusal` when two would have one token."""
    return await _administered(parts, lambda: parts.store.change(ids, how, noted(parts, action, detail)))


async def remove(parts: Parts, ids: Collection[str], action: str, detail: str = "") -> Removed:
    """These accounts go."""
    return await _administered(parts, lambda: parts.store.remove(ids, noted(parts, action, detail)))


async def replace(
    parts: Parts, fresh: Sequence[Account], changed: Mapping[str, How], gone: Collection[str], action: str, detail: str
) -> Replaced:
    """All three at once."""
    return await _administered(parts, lambda: parts.store.replace(fresh, changed, gone, noted(parts, action, detail)))


async def undo(parts: Parts, change_id: int) -> Undone:
    """What a change did is put back."""
    return await _administered(parts, lambda: parts.store.undo(change_id, noted(parts, "undo", f"change {change_id}")))


def noted(parts: Parts, action: str, detail: str = "") -> Note:
    """What the audit says of a change."""
    return Note(action=action, actor=ACTOR, at=parts.now(), detail=detail)


async def _administered(parts: Parts, write: Callable[[], Awaitable[T]]) -> T:
    await parts.flush()
    try:
        result = await write()
    except StoreConflict as conflict:
        raise refuse("token_conflict", str(conflict)) from None
    await in_force(parts)
    return result


async def in_force(parts: Parts) -> None:
    """Have what was written taken over. Raises `Refusal` when the store went away in between."""
    try:
        await parts.sync()
    except StoreError as error:
        message = f"{error} The change is kept, and in force as soon as the store can be read again."
        raise refuse("storage_unavailable", message, retry_after=5) from None
