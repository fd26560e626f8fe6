"""Verbs that ask upstreams: what comes of each account, what is written down, what is printed where."""

import pytest

from grok2api.accounts.lifecycle import disabled
from grok2api.catalog import Tier
from grok2api.cli.accounts_store import note, with_store
from grok2api.storage.accounts import AccountStore
from typed import Cli, on_terminal, refusal
from typed import beside as beside
from typed import cli as cli
from typed import simulated as simulated

BASIC, SUPER, KEY = "sim-basic-MARKED-session", "sim-super-MARKED-session", "xai-sim-MARKED-official-key"
UNKNOWN = "nobody-knows-MARKED-session"


@pytest.fixture
def some(cli: Cli, simulated) -> Cli:
    """A session of each of two tiers that nobody named, and an official key; the upstreams know them."""
    for token, tier in ((BASIC, Tier.BASIC), (SUPER, Tier.SUPER), (KEY, Tier.API)):
        simulated.world.account(token, tier)
    cli("add", BASIC, SUPER, KEY)
    return cli


def test_a_refresh_tells_tier_and_quota_of_each_account_and_writes_them(some: Cli):
    told = some.json("refresh", "--all")
    assert (told["ok"], told["failed"]) == (3, 0)
    results = {row["id"]: row for row in told["results"]}
    assert results[some.ident(SUPER)] == {
        "id": some.ident(SUPER),
        "ok": True,
        "pool": "super",
        "before": "basic",
        "modes": results[some.ident(SUPER)]["modes"],
        "error": "",
    }
    assert set(results[some.ident(SUPER)]["modes"]) == {"auto", "console", "fast", "expert", "grok43"}
    rows = {row["id"]: row for row in some.rows()}
    assert {row["tier"] for row in rows.values()} == {"basic", "super", "api"}
    assert rows[some.ident(SUPER)]["windows"]["auto"]["source"] == "real"
    assert rows[some.ident(BASIC)]["tier_known"]


def test_a_refresh_says_what_failed_and_the_state_is_kept(some: Cli, simulated):
    some("add", "--pool", "basic", UNKNOWN)
    revision = _revision(some)
    done = some("refresh", UNKNOWN, BASIC)
    assert done.exit_code == 1
    lines = dict(line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line)
    assert lines[some.ident(UNKNOWN)].startswith("failed\t")
    assert lines[some.ident(BASIC)].startswith("ok\tbasic: ")
    assert done.stdout.splitlines()[-1] == "1 refreshed, 1 failed"
    assert some.rows("--status", "expired")[0]["id"] == some.ident(UNKNOWN)
    assert _revision(some) > revision, "running servers see by the revision that a state has changed"


def _revision(cli: Cli) -> int:
    return with_store(cli.data, None, lambda store: store.revision())


def test_a_refresh_takes_filters_and_asks_nobody_else(some: Cli, simulated):
    some("edit", SUPER, "--tag", "mine")
    assert [row["id"] for row in some.json("refresh", "--tag", "mine")["results"]] == [some.ident(SUPER)]
    asked = {seen.account for seen in simulated.world.journal.entries if seen.endpoint == "rate_limits"}
    assert asked == {SUPER}
    assert refusal(some("refresh")).exit_code == 2


def test_a_pipe_gets_results_and_nothing_else(some: Cli):
    done = some("refresh", "--all", "--concurrency", "1")
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 4
    assert "MARKED" not in some.seen


def test_a_terminal_sees_a_bar_and_a_pipe_beside_it_gets_the_results(some: Cli):
    shown, piped = on_terminal("accounts", "refresh", "--all", "--data-dir", str(some.data), piped=True)
    assert "asking" in shown
    assert "acc_" not in shown
    assert len(piped.splitlines()) == 4
    assert "asking" not in piped


def test_the_switch_is_turned_tagged_and_undone(some: Cli, simulated):
    told = some.json("nsfw", "on", "--pool", "basic")
    assert (told["ok"], told["failed"]) == (2, 0)
    assert {row["tagged"] for row in told["results"]} == {True}
    assert simulated.world.accounts[BASIC].nsfw
    assert [row["id"] for row in some.rows("--tag", "nsfw")] == [some.ident(BASIC), some.ident(SUPER)]
    (change, *_) = some.json("changes")
    assert (change["action"], change["count"]) == ("nsfw", 2)
    assert "1 switched off, 0 failed" in some("nsfw", "off", BASIC).stdout
    assert not simulated.world.accounts[BASIC].nsfw
    assert [row["id"] for row in some.rows("--tag", "nsfw")] == [some.ident(SUPER)]


def test_a_switch_that_cannot_be_turned_brings_the_reason(some: Cli):
    done = some("nsfw", "on", "--all")
    assert done.exit_code == 1
    assert "An official key has no such switch." in done.stdout
    assert "2 switched on, 1 failed" in done.stdout


def test_many_switches_need_a_yes_and_can_be_rehearsed(some: Cli, simulated):
    some("add", "--pool", "basic", "-", stdin="\n".join(f"one-of-many-sessions-{number:04}" for number in range(12)))
    assert some.json("nsfw", "on", "--all", "--dry-run") == {"dry_run": True, "accounts": 15}
    assert "15 would be switched on" in some("nsfw", "on", "--all", "--dry-run").stdout
    assert "15 accounts would be switched on" in refusal(some("nsfw", "on", "--all")).message
    assert not [seen for seen in simulated.world.journal.entries if seen.endpoint in ("terms", "features")]


def test_a_decision_that_came_meanwhile_is_kept(some: Cli, simulated, monkeypatch):
    """Somebody disables the account between the answer and the write."""
    some("add", "--pool", "basic", UNKNOWN)
    ident = some.ident(UNKNOWN)
    change = AccountStore.change
    came = []

    async def later(store, ids, how, noted=None):
        came.append(await change(store, [ident], disabled, note("disable")))
        return await change(store, ids, how, noted)

    monkeypatch.setattr(AccountStore, "change", later)
    some("refresh", UNKNOWN)
    assert len(came) == 1
    assert some.rows("--status", "disabled")[0]["id"] == ident
