"""A crowd of accounts of every kind, made by chance from a seed."""

import random

import msgspec

from grok2api.accounts.model import WHOLE, Account, Kind, Rest, State, new_account
from grok2api.accounts.query import Filter, Order, SortKey, Status, status
from grok2api.catalog import TIER_MODES, Tier

NOW = 1000.0

TAGS = (
    "team", "Team", "tea", "ünïcode", "ÜNÏCODE", "a_b", "a%b", "a/b", "'; DROP TABLE accounts; --", "100 %", "İ", "ß",
)  # fmt: skip
REASONS = ("", "blocked upstream", "by the OPERATOR", "50% of\nnothing", "under_score", "back\\slash", "ſtrange")
TEXTS = (
    "", "team", "TEA", "ünï", "ÜNÏ", "%", "_", "a_", "/", "\\", "'", "acc_1", "operator", "SS", "i̇", "nothing\n",
    "\x1f", "a\x00", "%' OR 1=1 --", "user-7", "x" * 9000,
)  # fmt: skip


def crowd(size: int, seed: int = 7) -> list[Account]:
    rng = random.Random(seed)
    return [_one(number, rng) for number in range(size)]


def _one(number: int, rng: random.Random) -> Account:
    tier = rng.choice(list(Tier))
    kind = Kind.API if tier is Tier.API else Kind.WEB
    account = new_account(f"acc_{number}", f"secret-{number}", kind, tier, float(rng.randrange(50)))
    keys = [WHOLE, *sorted(TIER_MODES[tier])]
    rests = {
        key: Rest(rng.choice([0.0, 500.0, NOW, 1500.0, 2000.0]), 0.0)
        for key in rng.choice([[], keys, keys[:1], keys[1:], rng.sample(keys, 1)])
    }
    return msgspec.structs.replace(
        account,
        state=rng.choice([*State, State.ACTIVE, State.ACTIVE]),
        state_reason=rng.choice(REASONS),
        last_error=rng.choice(REASONS),
        tags=tuple(rng.sample(TAGS, rng.randrange(4))),
        rests=rests,
        health=rng.choice([0.05, 0.5, 1.0]),
        use_count=rng.randrange(5),
        fail_count=rng.randrange(5),
        last_used_at=rng.choice([None, 0.0, 5.0, 7.5]),
        user_id=rng.choice([None, f"user-{number}"]),
    )


def filters(count: int, seed: int = 3) -> list[Filter]:
    rng = random.Random(seed)
    return [
        Filter(),
        *(
            Filter(
                pool=rng.choice([None, None, *Tier]),
                status=rng.choice([None, None, *Status]),
                tag=rng.choice([None, None, None, *TAGS, "team ", ""]),
                text=rng.choice(["", *TEXTS]),
            )
            for _ in range(count)
        ),
    ]


def ordered(accounts: list[Account], order: Order, now: float) -> list[Account]:
    """What a sorted list is: absent before everything, ties by age and id, backwards when descending."""
    keys = {
        SortKey.CREATED: lambda account: 0,
        SortKey.LAST_USED: lambda account: -1.0 if account.last_used_at is None else account.last_used_at,
        SortKey.USES: lambda account: account.use_count,
        SortKey.FAILURES: lambda account: account.fail_count,
        SortKey.HEALTH: lambda account: account.health,
        SortKey.POOL: lambda account: list(Tier).index(account.tier),
        SortKey.STATUS: lambda account: list(Status).index(status(account, now)),
    }
    key = keys[order.by]
    return sorted(
        accounts, key=lambda account: (key(account), account.created_at, account.id), reverse=order.descending
    )
