"""Changes whose outcome can be told: after change `n` an account looks as `expected` says, and in no other way.

As a program, this makes them without end, `python -m chaos.changes URL DATA_DIR`, and prints `account n` when change
`n` of an account was acknowledged. Where to go on is read from the standard input, as JSON.
"""

import asyncio
import json
import sys
from pathlib import Path

import msgspec

from grok2api.accounts.model import Account, Kind, State, new_account
from grok2api.accounts.query import Note
from grok2api.catalog import Tier
from grok2api.storage.accounts import AccountStore
from grok2api.storage.counters import CounterStore
from grok2api.storage.opening import store_for

#: Accounts that are changed at the same time.
ACCOUNTS = tuple(f"acc_{number}" for number in range(5))

#: What can be seen of an account: its tags, its state, whether a second credential is its own; None when it is gone.
Seen = tuple[tuple[str, ...], State, bool] | None


def expected(n: int) -> Seen:
    """What is seen of an account after its change `n`; change 0 adds it."""
    if n % 7 == 6:
        return None
    return (f"v{n}", f"w{n}"), State.DISABLED if n % 3 == 2 else State.ACTIVE, n % 5 == 4


def seen(account: Account | None) -> Seen:
    """What is seen of this account."""
    return None if account is None else (account.tags, account.state, account.secret.endswith("-other"))


async def make(store: AccountStore, ident: str, n: int) -> None:
    """Change `n` of an account."""
    wanted = expected(n)
    note = Note(action="change", actor="chaos", at=1000.0)
    if wanted is None:
        await store.remove([ident], note)
        return
    tags, state, other = wanted
    secret = f"secret-{ident}{'-other' if other else ''}"
    if n == 0 or expected(n - 1) is None:
        fresh = new_account(ident, secret, Kind.WEB, Tier.SUPER, 1.0, tags=tags)
        await store.add([msgspec.structs.replace(fresh, state=state, user_id=f"user-{ident}")], note)
        return
    await store.change(
        [ident], lambda account: msgspec.structs.replace(account, tags=tags, state=state, secret=secret), note
    )


async def _work(store: AccountStore, totals: CounterStore, ident: str, n: int) -> None:
    while True:
        n += 1
        await make(store, ident, n)
        await totals.add({"changes": 1})
        print(ident, n, flush=True)


async def main(url: str, data_dir: Path, reached: dict[str, int]) -> None:
    """Change every account for ever, each in a task of its own."""
    store = await store_for(url, data_dir, {})
    totals = CounterStore(store.database)
    await asyncio.gather(*(_work(store, totals, ident, reached.get(ident, -1)) for ident in ACCOUNTS))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), json.loads(sys.stdin.read())))
