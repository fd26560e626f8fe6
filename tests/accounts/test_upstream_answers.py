"""Every refusal that an upstream is known to give, fed to an account of the pool: what becomes of it, and what not."""

import json
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import pytest
from pooling import CONSOLE, FAST, World, account

from grok2api.accounts.leases import Need
from grok2api.accounts.model import WHOLE, Account, Source, State, Window
from grok2api.canonical.problem import Problem
from grok2api.catalog import Tier
from grok2api.upstreams.refusals import classify, classify_error

DAY, HOUR, QUARTER = 86_400.0, 3_600.0, 900.0

PAGE = "<!DOCTYPE html><title>Just a moment...</title><script src='/cdn-cgi/challenge-platform/x.js'></script>"
BLOCKED = {"code": 7, "message": "User is blocked [WKE=unauthorized:blocked-user]", "details": []}
ANTI_BOT = {"error": {"code": 7, "message": "Request rejected by anti-bot rules.", "details": []}}
FREE_USED = {
    "code": "subscription:free-usage-exhausted",
    "error": "You have used ... tokens (actual/limit): 5100/5000; Usage resets over a rolling 24-hour window",
}
PER_SECOND = {
    "code": "resource-exhausted",
    "error": "Too many requests for team 1f0c-1 and model grok-4.3. Your team's rate limit is - Requests per Second "
    "(actual/limit): 2/2. ... resets in: 1h 2m",
}
PER_MINUTE = {
    "code": "resource-exhausted",
    "error": "Too many tokens for team 1f0c-1 and model grok-4.3. Your team's rate limit is - Tokens per Minute "
    "(actual/limit): 65605/16000.",
}
NO_CREDITS = {
    "error": "Your team 1f0c has either used all available credits or reached its monthly spending limit. To continue, "
    "please purchase more credits."
}


class After(NamedTuple):
    """What an account looks like afterwards. rests: seconds by mode, or `WHOLE`; probed: which of them are probed."""

    state: State = State.ACTIVE
    rests: Mapping[str, float] = {}
    probed: frozenset[str] = frozenset()
    strikes: int = 0
    health: float = 1.0
    fails: int = 1
    reason: str = ""


UNTOUCHED = After(fails=0)
EXPIRED = After(State.EXPIRED, health=0.55, reason="the upstream no longer accepts this session")
DISABLED = After(State.DISABLED, health=0.25, reason="the upstream blocked this account")
SUSPECT = After(State.SUSPECT, health=0.55, reason="one bare 401")
STRUCK = After(strikes=1, health=0.25)
DOWN = After(health=0.75)


def limited(seconds: float, key: str = "fast", *, probed: bool = False) -> After:
    return After(rests={key: seconds}, probed=frozenset({key} if probed else ()), health=0.45)


def rests(seconds: float, key: str = "fast") -> After:
    return After(rests={key: seconds}, probed=frozenset({key}))


class Row(NamedTuple):
    """What the upstream answers, and what the account that asked for it becomes."""

    about: str
    status: int
    body: object
    after: After
    headers: Mapping[str, str] = {}
    need: Need = FAST


GROK = (
    Row("session expired", 401, {"code": 16, "message": "No credentials [WKE=unauthenticated:bad-credentials]"},
        EXPIRED),
    Row("session not found", 401, "Failed to look up session ID", EXPIRED),
    Row("bare 401", 401, {"code": 16, "message": "unauthenticated"}, SUSPECT),
    Row("blocked by number", 403, BLOCKED, DISABLED),
    Row("blocked by word", 403, {"code": "unauthorized:blocked-user", "error": "User is blocked"}, DISABLED),
    Row("e-mail domain refused", 403, {"code": 7, "message": "no [WKE=email-domain-rejected]"},
        DISABLED._replace(reason="the upstream blocked this account (email_domain_rejected)")),
    Row("challenge page", 403, PAGE, UNTOUCHED),
    Row("challenge page with 503", 503, PAGE, UNTOUCHED),
    Row("challenge without words", 403, "", UNTOUCHED, {"server": "cloudflare"}),
    Row("anti-bot rule", 403, ANTI_BOT, UNTOUCHED),
    Row("rate limited", 429, {"error": {"code": 8, "message": "Too many requests", "details": []}}, limited(QUARTER)),
    Row("rate limited with a time", 429, {"code": 8, "message": "Too many"}, limited(42), {"retry-after": "42"}),
    Row("rate limited for a week", 429, {"code": 8}, limited(156 * HOUR, probed=True), {"retry-after": "561600"}),
    Row("rate limited for ever", 429, {"code": 8}, limited(7 * DAY, probed=True), {"retry-after": "99999999"}),
    Row("free quota used up", 429, FREE_USED, limited(DAY, WHOLE, probed=True)),
    Row("out of credits", 402, {"code": "personal-team-blocked:spending-limit", "error": "out of credits"}, rests(DAY)),
    Row("moderated", 403, {"error": {"code": "content-moderated", "message": "..."}}, UNTOUCHED),
    Row("safety refusal", 403, {"code": "permission-denied",
        "error": "Content violates usage guidelines. SAFETY_CHECK_TYPE_BIO"}, UNTOUCHED),
    Row("this mode refused in plain words", 403, {"code": 7, "message": "Your plan lacks this model"}, rests(DAY)),
    Row("unknown 403", 403, {"what": "ever"}, STRUCK),
    Row("bad request", 400, {"code": 3, "message": "...", "details": []}, UNTOUCHED),
    Row("not found", 404, {"code": 5, "message": "...", "details": []}, UNTOUCHED),
    *(Row(f"upstream down: {status}", status, "any", DOWN) for status in (500, 502, 503, 504)),
)  # fmt: skip

CONSOLE_ROWS = (
    Row("session expired", 401, {"error": "invalid-credentials"}, EXPIRED),
    Row("proof demanded", 403, {"code": "unauthorized:dpop-required", "error": "DPoP proof required but was not "
        "verified."}, UNTOUCHED),
    Row("blocked", 403, {"code": "unauthorized:blocked-user", "error": "User is blocked"}, DISABLED),
    Row("challenge page", 403, PAGE, UNTOUCHED),
    Row("limit per second", 429, PER_SECOND, limited(2, "console")),
    Row("limit per minute", 429, PER_MINUTE, limited(60, "console")),
    Row("limit with a time", 429, PER_SECOND, limited(7, "console"), {"retry-after": "7"}),
    Row("limit with neither", 429, {"code": "resource-exhausted", "error": "Too many requests"},
        limited(QUARTER, "console")),
    Row("invalid argument", 400, {"code": "invalid-argument", "error": "Duplicate tool names: web_search"}, UNTOUCHED),
    Row("unprocessable", 422, {"error": "no"}, UNTOUCHED),
)  # fmt: skip

API_ROWS = (
    Row("bad argument", 400, {"code": "invalid-argument", "error": "temperature is too high"}, UNTOUCHED),
    Row("incorrect key", 400, {"code": "invalid-argument", "error": "Incorrect API key provided: xa***bc."}, EXPIRED),
    Row("missing authorization", 401, {"error": {"message": "no key", "type": "auth", "code": None}}, SUSPECT),
    Row("team blocked", 403, {"code": "team_blocked", "error": "The team is blocked"},
        DISABLED._replace(reason="the upstream blocked this account (team_blocked)")),
    Row("no permission", 403, {"code": "permission-denied", "error": "The key may not do this"}, rests(DAY, "api")),
    Row("content refused", 403, {"error": "SAFETY_CHECK_TYPE_BIO"}, UNTOUCHED),
    Row("unknown model", 404, {"error": "The model does not exist"}, UNTOUCHED),
    *(Row(f"caller's error {status}", status, {"error": "no"}, UNTOUCHED) for status in (405, 415, 422)),
    Row("over a rate", 429, {"error": "Too many requests"}, limited(5, "api"), {"retry-after": "5"}),
    Row("credits used up", 429, NO_CREDITS, rests(DAY, "api")),
    Row("upstream fault", 500, {"error": "oops"}, DOWN),
)  # fmt: skip

IN_STREAM = (
    Row("rate limited", 200, {"error": {"code": 8, "message": "Too many requests"}}, limited(QUARTER)),
    Row("anti-bot rule", 200, ANTI_BOT, UNTOUCHED),
    Row("free quota used up", 200, FREE_USED, limited(DAY, WHOLE, probed=True)),
    Row("session expired", 200, {"code": 16, "message": "[WKE=unauthenticated:bad-credentials]"}, EXPIRED),
    Row("moderated", 200, {"code": "content-moderated", "message": "..."}, UNTOUCHED),
    Row("upstream fault", 200, {"code": 13, "message": "internal"}, DOWN),
)

API = Need(tiers=(Tier.API,), modes=("api",))
TIERS = {
    "grok": (GROK, FAST, Tier.BASIC),
    "console": (CONSOLE_ROWS, CONSOLE, Tier.BASIC),
    "api": (API_ROWS, API, Tier.API),
}
ANSWERS = [(row, need, tier) for rows, need, tier in TIERS.values() for row in rows]
NAMES = [f"{name}: {row.about}" for name, (rows, _, _) in TIERS.items() for row in rows]


def problem_of(row: Row) -> Problem:
    body = row.body if isinstance(row.body, str) else json.dumps(row.body)
    return classify(row.status, row.headers, body.encode(), what="the upstream")


async def become(problem: Problem, need: Need, tier: Tier) -> tuple[World, Account]:
    world = World([account(1, tier)])
    await world.attempt(need, problem)
    found = world.pool.get("acc_1")
    assert found is not None
    return world, found


def check(found: Account, after: After, now: float) -> None:
    assert (found.state, found.state_reason) == (after.state, after.reason)
    assert {key: rest.until - now for key, rest in found.rests.items()} == after.rests
    assert {key for key, rest in found.rests.items() if rest.probe_at is not None} == after.probed
    assert (len(found.strikes), found.health, found.fail_count) == (after.strikes, after.health, after.fails)
    assert bool(found.last_error) == bool(after.fails)


@pytest.mark.parametrize(("row", "need", "tier"), ANSWERS, ids=NAMES)
async def test_an_account_becomes_what_the_upstreams_answer_means(row: Row, need: Need, tier: Tier) -> None:
    world, found = await become(problem_of(row), need, tier)
    check(found, row.after, world.time)
    if row.after is UNTOUCHED:
        assert found == account(1, tier)
        assert world.effects == []


@pytest.mark.parametrize("row", IN_STREAM, ids=lambda row: row.about)
async def test_an_error_inside_a_200_means_the_same(row: Row) -> None:
    world, found = await become(classify_error(row.body), FAST, Tier.BASIC)
    check(found, row.after, world.time)


@pytest.mark.parametrize(("row", "need", "tier"), ANSWERS, ids=NAMES)
async def test_P1_P2_no_answer_leaves_an_account_unusable_for_longer_than_the_bound(
    row: Row, need: Need, tier: Tier
) -> None:
    world, found = await become(problem_of(row), need, tier)
    world.time += world.options.max_rest_sec
    if found.state in (State.ACTIVE, State.SUSPECT):
        assert await world.attempt(need) == "acc_1"
        again = world.pool.get("acc_1")
        assert again is not None
        assert (again.state, again.strikes, again.rests) == (State.ACTIVE, (), {})


@pytest.mark.parametrize(("tier", "seconds"), [(Tier.BASIC, DAY), (Tier.SUPER, 2 * HOUR), (Tier.HEAVY, 2 * HOUR)])
async def test_under_random_a_429_without_a_time_rests_as_long_as_the_pools_interval(
    tier: Tier, seconds: float
) -> None:
    world = World([account(1, tier)], strategy="random", tier_rest_sec={tier: seconds})
    await world.attempt(FAST, problem_of(GROK[10]))
    found = world.pool.get("acc_1")
    assert found is not None
    check(found, limited(seconds, probed=True), world.time)


async def test_a_mode_that_the_account_lacks_counts_as_empty_until_a_probe_proves_otherwise() -> None:
    row = next(row for row in GROK if row.about == "this mode refused in plain words")
    world, found = await become(problem_of(row), FAST, Tier.BASIC)
    assert (found.windows["fast"].remaining, found.windows["fast"].total) == (0, 0)
    assert found.rests["fast"].probe_at == world.time + 6 * HOUR
    assert await world.attempt(CONSOLE) == "acc_1"


async def test_a_limit_without_a_time_lasts_until_a_window_that_has_begun_ends() -> None:
    begun = Window(12, 30, int(DAY), 1_000_000.0 + 5 * HOUR, Source.REAL)
    world = World([msgspec.structs.replace(account(1), windows={"fast": begun})])
    await world.attempt(FAST, problem_of(GROK[10]))
    found = world.pool.get("acc_1")
    assert found is not None
    check(found, limited(5 * HOUR, probed=True), world.time)
    assert found.windows["fast"] == Window(0, 30, int(DAY), begun.resets_at, Source.ESTIMATED)
