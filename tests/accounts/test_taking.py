"""Imports in batches over a directory in memory: what is written, in which order, and what is told of it."""

import itertools
from collections import Counter

from grok2api.accounts.importing import parse
from grok2api.accounts.importing.planning import Known, OnExisting, Planner, Verdict, updated
from grok2api.accounts.taking import BATCH, take
from grok2api.catalog import Tier

NOW = 1_767_225_600.0


class Directory:
    """A store in memory, with what was removed from it and who is here under another credential."""

    def __init__(self) -> None:
        self.accounts = {}
        self.removed = {}
        self.users = set()
        self.sizes = []

    async def known(self, secrets):
        return {s: Known(a.id, a.tier, a.tags) for s in secrets if (a := self.accounts.get(s))}

    async def add(self, fresh):
        self.sizes.append(len(fresh))
        stored = {}
        for account in fresh:
            if account.secret not in self.users:
                self.accounts[account.secret] = account
                stored[account.secret] = self.removed.get(account.secret, account.id)
        return stored

    async def update(self, entries):
        for entry in entries.values():
            self.accounts[entry.secret] = updated(self.accounts[entry.secret], entry)


async def taken(directory, text, on_existing=OnExisting.SKIP, rehearse=False):
    numbers = itertools.count(1)
    batches = take(parse(text), directory, Planner(on_existing), lambda: f"acc_{next(numbers)}", NOW, rehearse=rehearse)
    return [row async for rows in batches for row in rows]


def verdicts(rows):
    return [(row.verdict, row.account_id) for row in rows]


async def test_entries_are_written_in_their_order():
    directory = Directory()
    rows = await taken(directory, "one\ntwo\none\nbad;\nthree\n")
    assert verdicts(rows) == [
        (Verdict.ADD, "acc_1"),
        (Verdict.ADD, "acc_2"),
        (Verdict.DUPLICATE, ""),
        (Verdict.INVALID, ""),
        (Verdict.ADD, "acc_3"),
    ]
    ages = [account.created_at for account in directory.accounts.values()]
    assert ages == sorted(ages)
    assert len(set(ages)) == 3


async def test_a_rehearsal_says_the_same_and_writes_nothing():
    directory = Directory()
    text = "one\ntwo\none\nbad;\n"
    rehearsed = await taken(directory, text, rehearse=True)
    assert (directory.accounts, directory.sizes) == ({}, [])
    done = await taken(directory, text)
    assert [row.verdict for row in rehearsed] == [row.verdict for row in done]


async def test_the_store_has_the_last_word():
    directory = Directory()
    directory.removed["back"] = "acc_old"
    directory.users.add("other-cookie-of-somebody-here")
    rows = await taken(directory, "back\nother-cookie-of-somebody-here\n")
    assert verdicts(rows) == [(Verdict.RESTORE, "acc_old"), (Verdict.SAME, "")]
    assert rows[1].reason == "its user has an account here already"


async def test_updates_reach_only_what_differs():
    directory = Directory()
    await taken(directory, '{"token": "one", "pool": "basic", "tags": ["a"]}\n{"token": "two", "pool": "super"}')
    rows = await taken(directory, '{"token": "one", "pool": "super"}\n{"token": "two"}\n', OnExisting.UPDATE)
    assert [row.verdict for row in rows] == [Verdict.UPDATE, Verdict.SAME]
    assert (directory.accounts["one"].tier, directory.accounts["one"].tags) == (Tier.SUPER, ("a",))


async def test_many_are_taken_a_batch_at_a_time():
    directory = Directory()
    count = 2 * BATCH + 3
    rows = await taken(directory, "\n".join(f"session-{number}" for number in range(count)))
    assert Counter(row.verdict for row in rows) == {Verdict.ADD: count}
    assert directory.sizes == [BATCH, BATCH, 3]
    ages = [account.created_at for account in directory.accounts.values()]
    assert ages == sorted(set(ages))
