"""Lists, one account, and tags: for people, for pipes and for programs."""

import re
import time
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.accounts.model import WHOLE, Rest
from grok2api.cli import accounts_list
from grok2api.cli.accounts_store import note, with_store
from grok2api.cli.accounts_view import fitting
from typed import KEY, ONE, TWO, Cli, on_terminal
from typed import cli as cli

COLUMNS = ("id", "token", "tier", "status", "windows", "rests", "tags", "used")
widths = st.integers(1, 900)
MANY = [f"one-of-many-sessions-{number:04}" for number in range(60)]


@pytest.fixture
def some(cli: Cli) -> Cli:
    """Two sessions and a key; the second session rests, the first is disabled."""
    cli("add", "--pool", "super", "--tag", "mine", ONE)
    cli("add", "--pool", "basic", TWO)
    cli("add", "--tag", "mine", KEY)
    cli("disable", ONE, "--reason", "on Holiday")
    rest(cli, TWO)
    return cli


def rest(cli: Cli, token: str) -> None:
    now = time.time()
    rests = {WHOLE: Rest(until=now + 3600, since=now, reason="the upstream said so")}

    async def work(store):
        ids = (await store.find([token])).values()
        await store.change(ids, lambda account: msgspec.structs.replace(account, rests=rests), note("test"))

    with_store(cli.data, None, work)


@pytest.mark.parametrize(
    ("words", "tiers"),
    [
        ((), ["super", "basic", "api"]),
        (("--pool", "basic"), ["basic"]),
        (("--status", "cooling"), ["basic"]),
        (("--status", "active"), ["api"]),
        (("--tag", "mine"), ["super", "api"]),
        (("--text", "holiday"), ["super"]),
        (("--tag", "mine", "--status", "active"), ["api"]),
        (("--sort", "pool"), ["basic", "super", "api"]),
        (("--sort", "pool", "--desc"), ["api", "super", "basic"]),
        (("--limit", "1", "--offset", "1"), ["basic"]),
        (("--offset", "2"), ["api"]),
        (("--limit", "0"), []),
        (("--text", "nowhere"), []),
    ],
)
def test_a_list_has_filters_an_order_and_a_part(some: Cli, words, tiers):
    assert [row["tier"] for row in some.rows(*words)] == tiers
    assert [line.split("\t")[2] for line in some("list", *words).stdout.splitlines()] == tiers


def test_a_row_for_programs_has_the_status_of_now(some: Cli):
    rows = some.rows()
    assert [row["status"] for row in rows] == ["disabled", "cooling", "active"]
    assert rows[0] | {"state": "disabled", "state_reason": "on Holiday", "tags": ["mine"]} == rows[0]
    assert not {"secret", "revision"} & set(rows[0])


def test_a_pipe_gets_all_accounts_and_every_column(cli: Cli, monkeypatch):
    monkeypatch.setattr(accounts_list, "_PAGE", 7)
    cli("add", "-", stdin="\n".join(MANY))
    for words in ((), ("--sort", "use_count", "--desc"), ("--limit", "55", "--offset", "5")):
        lines = cli("list", *words).stdout.splitlines()
        assert len(lines) == (55 if words and words[0] == "--limit" else 60)
        assert {line.count("\t") for line in lines} == {7}
        assert len({line.split("\t")[0] for line in lines}) == len(lines)
    assert cli("list").stderr == ""


def test_a_terminal_gets_fifty_and_is_told_of_the_others(cli: Cli, monkeypatch):
    cli("add", "-", stdin="\n".join(MANY))
    monkeypatch.setattr(accounts_list, "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setenv("COLUMNS", "80")
    shown = cli("list")
    assert shown.stdout.count("acc_") == 50
    assert "showing 1-50 of 60; --offset 50 shows the next" in shown.stderr
    assert "showing 51-60 of 60" in cli("list", "--offset", "50").stderr
    assert "none of 0" in cli("list", "--text", "nowhere").stderr


def test_no_line_is_wider_than_a_terminal_of_80_columns(some: Cli):
    some("add", "--tag", "a-rather-long-tag-that-somebody-thought-of", *MANY[:3])
    shown, _ = on_terminal("accounts", "list", "--data-dir", str(some.data))
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in shown.splitlines()]
    table = [line for line in lines if line.startswith(("id", "acc_"))]
    assert len(table) == 7
    assert max(map(len, table)) <= 80
    assert all(re.match(r"acc_[0-9a-f]{16}  (super|basic|api) ", line) for line in table[1:])
    assert "not shown for want of room: token" in shown


@given(st.lists(st.fixed_dictionaries({name: st.text("x", max_size=60) for name in COLUMNS}), max_size=5), widths)
def test_columns_that_are_chosen_fit(rows, width):
    widths = fitting(rows, width)
    assert sum(widths.values()) + 2 * len(widths) <= width
    assert all(any(row[name] for row in rows) for name in widths)
    if width >= 600:
        assert {name for name in COLUMNS if any(row[name] for row in rows)} == set(widths)


def test_one_account_says_for_each_mode_why_it_cannot_serve(some: Cli):
    told = {told["mode"]: told for told in some.json("show", TWO)["modes"]}
    assert set(told) == {"fast", "console"}
    assert told["fast"]["reason"] == "resting"
    assert "rests for" in some("show", TWO).stdout
    assert "is disabled (on Holiday) until it is enabled" in some("show", ONE).stdout
    assert some.json("show", KEY)["modes"][0]["words"] == "can serve"


def test_tags_are_counted(some: Cli):
    some("add", "--tag", "later", MANY[0])
    assert some.json("tags") == {"later": 1, "mine": 2}
    assert some("tags").stdout == "1\tlater\n2\tmine\n"
