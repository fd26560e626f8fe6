"""The files that accounts keep at their upstream: listed, and deleted one by one or all.

What the upstream says of an account meanwhile is taken to heart: a session that turns out to be dead is expired here as
it is when quotas are asked for.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from grok2api.accounts.lifecycle import questioned
from grok2api.accounts.model import Account
from grok2api.accounts.model import Kind as Credentials
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.transport.tasks import together
from grok2api.upstreams.base import Credential, TransportError
from grok2api.upstreams.media import Asset

T = TypeVar("T")

#: Files of one account that are deleted at the same time.
_AT_ONCE = 8


class Files(Protocol):
    """Raises `Refusal` and `TransportError`."""

    async def assets(self, credential: Credential) -> list[Asset]: ...

    async def delete_asset(self, credential: Credential, asset_id: str) -> None: ...


class Accounts(Protocol):
    """The pool."""

    def get(self, ident: str) -> Account | None: ...

    def change(self, ident: str, how: Callable[[Account], Account]) -> Account | None: ...


class Holdings:
    """Asks for the files of accounts. Raises `Refusal` for what the upstream, or the way there, refuses."""

    def __init__(self, files: Files, accounts: Accounts, now: Callable[[], float]) -> None:
        self._files = files
        self._accounts = accounts
        self._now = now

    async def list(self, ident: str) -> Sequence[Asset]:
        """All files of an account."""
        return await self._asked(ident, self._files.assets)

    async def delete(self, ident: str, asset_id: str) -> None:
        """Delete one file; one that is not there counts as deleted."""
        await self._asked(ident, lambda credential: self._files.delete_asset(credential, asset_id))

    async def clear(self, ident: str) -> int:
        """Delete all files of an account; how many there were."""
        return await self._asked(ident, self._cleared)

    async def _cleared(self, credential: Credential) -> int:
        found = await self._files.assets(credential)
        await together((self._files.delete_asset(credential, asset.id) for asset in found), "delete asset", _AT_ONCE)
        return len(found)

    async def _asked(self, ident: str, ask: Callable[[Credential], Awaitable[T]]) -> T:
        account = self._accounts.get(ident)
        if account is None:
            raise Refusal(Problem(kind=Kind.NOT_FOUND, message="The account is not here any more"))
        if account.kind is Credentials.API:
            raise Refusal(Problem(kind=Kind.INVALID, message="An official key keeps no files"))
        try:
            return await ask(account.credential)
        except (Refusal, TransportError) as error:
            problem = error.problem
        asked = account.secret
        self._accounts.change(ident, lambda known: _after(known, asked, problem, self._now()))
        raise Refusal(problem)


def _after(known: Account, asked: str, problem: Problem, now: float) -> Account:
    return questioned(known, problem, now) if known.secret == asked else known
