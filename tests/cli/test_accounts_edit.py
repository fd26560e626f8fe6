"""One account gets another credential, pool or tags."""

import pytest

from typed import KEY, ONE, TWO, Cli, refusal
from typed import cli as cli

FRESH = "fresh-session-token-MARKED-000004"


@pytest.fixture
def one(cli: Cli) -> Cli:
    cli("add", "--pool", "super", "--tag", "mine", ONE)
    return cli


def test_a_credential_is_replaced_from_stdin_and_nothing_else_changes(one: Cli):
    before = one.rows()[0]
    row = one.json("edit", ONE, "--token", "-", stdin=f"sso={FRESH}\n\n")
    assert row["token"] == "fresh-se...D-000004"
    assert {**one.rows()[0], "token": ""} == {**before, "token": ""}
    assert "MARKED" not in one.seen.replace(row["token"], "")
    assert f"{FRESH}\n" == one("export", "--secrets").stdout
    assert "1 put back" in one("undo", str(row["change_id"])).stdout
    assert f"{ONE}\n" == one("export", "--secrets").stdout


def test_tags_and_pool_are_changed(one: Cli):
    row = one.json("edit", ONE, "--tag", "b", "--tag", " c ", "--untag", "mine", "--untag", "other", "--pool", "heavy")
    assert (row["tags"], row["tier"]) == (["b", "c"], "heavy")
    assert set(row["windows"]) == {"auto", "fast", "expert", "heavy", "grok43", "console"}
    assert "is changed; `grok2api accounts undo" in one("edit", ONE, "--untag", "b").stdout
    assert one.rows()[0]["tags"] == ["c"]


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        ((), None, "nothing to change"),
        (("--token", FRESH), None, "--token takes only -"),
        (("--token", "-"), "", "there are 0"),
        (("--token", "-"), f"{FRESH}\n{TWO}\n", "there are 2"),
        (("--token", "-"), "bad;thing", "sso"),
        (("--pool", "api"), None, "an official key"),
        (("--token", "-", "--pool", "super"), KEY, "an official key"),
    ],
)
def test_an_edit_that_makes_no_sense_changes_nothing(one: Cli, words, stdin, said):
    before = one.rows()
    error = refusal(one("edit", ONE, *words, stdin=stdin))
    assert error.exit_code == 2
    assert said in error.message
    assert "MARKED" not in error.message
    assert one.rows() == before


def test_a_credential_that_another_account_has_is_refused(one: Cli):
    one("add", TWO)
    result = one("edit", ONE, "--token", "-", stdin=TWO)
    assert "already has this credential" in refusal(result).message
