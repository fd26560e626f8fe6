"""Accounts as files: filtered, a few in memory, whole or not at all."""

import json
import stat

import pytest

from grok2api.storage.accounts import AccountStore
from typed import KEY, ONE, TWO, Cli, refusal
from typed import cli as cli


@pytest.fixture
def some(cli: Cli) -> Cli:
    cli("add", "--pool", "super", "--tag", "mine", ONE)
    cli("add", KEY)
    cli("add", "--pool", "super", TWO)
    return cli


@pytest.mark.parametrize(
    ("words", "tokens"),
    [
        ((), [ONE, KEY, TWO]),
        (("--pool", "super"), [ONE, TWO]),
        (("--tag", "mine"), [ONE]),
        (("--status", "disabled"), []),
        (("--text", "mine"), [ONE]),
    ],
)
def test_an_export_takes_the_filters_of_a_list(some: Cli, words, tokens):
    assert some("export", "--secrets", *words).stdout.split() == tokens
    by_pool = json.loads(some("export", "--secrets", "--json", *words).stdout)
    assert {record["token"] for records in by_pool.values() for record in records} == set(tokens)
    assert all(record["pool"] == pool for pool, records in by_pool.items() for record in records)


def test_an_export_asks_for_some_accounts_at_a_time(some: Cli, monkeypatch):
    monkeypatch.setattr(AccountStore, "load", None)
    for form in ("text", "csv", "json", "jsonl"):
        assert some("export", "--format", form).exit_code == 0


def test_a_file_is_for_its_owner_and_is_told(some: Cli, tmp_path):
    file = tmp_path / "out.csv"
    done = some("export", "--format", "csv", "--output", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (done.stdout, len(file.read_text().splitlines())) == ("", 4)
    assert "3 accounts are in" in done.stderr
    assert "masked" in done.stderr
    refusal(some("export", "--output", str(tmp_path / "none" / "x")))
