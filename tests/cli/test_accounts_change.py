"""Changes of accounts that are named or fit a filter: rehearsed, agreed to, noted, taken back."""

from types import SimpleNamespace

import pytest

from grok2api.cli import accounts_chosen
from typed import KEY, ONE, TWO, Cli, refusal
from typed import cli as cli

MANY = [f"one-of-many-sessions-{number:04}" for number in range(20)]
VERBS = ("enable", "disable", "remove")


@pytest.fixture
def some(cli: Cli) -> Cli:
    cli("add", "--pool", "super", "--tag", "mine", ONE)
    cli("add", "--pool", "basic", "--tag", "mine", TWO)
    cli("add", KEY)
    return cli


@pytest.fixture
def many(cli: Cli) -> Cli:
    cli("add", "-", stdin="\n".join(MANY))
    return cli


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits there and can be asked."""
    monkeypatch.setattr(accounts_chosen, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--pool", "super"), 1),
        (("--tag", "mine"), 2),
        (("--status", "active"), 3),
        (("--status", "expired"), 0),
        (("--text", "mine", "--pool", "basic"), 1),
        (("--all",), 3),
        ((ONE, KEY), 2),
    ],
)
@pytest.mark.parametrize("verb", VERBS)
def test_who_is_meant_is_who_is_changed(some: Cli, verb, words, count):
    before = some.rows()
    done = f"{verb}d"
    assert some.json(verb, *words, "--dry-run") == {done: count, "dry_run": True, "change_id": None}
    assert f"{count} would be {done}" in some(verb, *words, "--dry-run").stdout
    assert some.rows() == before
    told = some.json(verb, *words)
    assert (told[done], told["dry_run"]) == (count, False)
    assert (told["change_id"] is None) is (count == 0)
    if verb == "remove":
        assert len(some.rows()) == 3 - count
    if verb == "disable":
        assert len(some.rows("--status", "disabled")) == count


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("words", [(), (ONE, "--all"), (ONE, "--pool", "super")])
def test_nobody_is_meant_by_accident(some: Cli, verb, words):
    before = some.rows()
    assert refusal(some(verb, *words)).exit_code == 2
    assert some.rows() == before


@pytest.mark.parametrize("verb", VERBS)
def test_a_pipe_needs_a_yes_for_many(many: Cli, verb):
    before = many.rows()
    assert "20 accounts would be" in refusal(many(verb, "--all")).message
    assert many.rows() == before
    assert many(verb, "--all", "--yes").exit_code == 0
    assert many(verb, "--all", "--dry-run").exit_code == 0


def test_ten_accounts_are_not_many(many: Cli):
    assert many("disable", *MANY[:10]).exit_code == 0
    refusal(many("disable", *MANY[:11]))


@pytest.mark.usefixtures("person")
def test_a_person_is_asked_about_many(many: Cli):
    no = many("remove", "--all", stdin="n\n")
    assert "20 accounts will be removed. Go on?" in no.stderr
    assert "nothing was changed" in refusal(no).message
    assert len(many.rows()) == 20
    assert "20 removed" in many("remove", "--all", stdin="y\n").stdout
    assert many.rows() == []


def test_changes_are_noted_and_can_be_taken_back_once(some: Cli):
    before = some.rows()
    some("disable", "--tag", "mine", "--reason", "sold")
    some("remove", KEY)
    removed, disabled, *added = some.json("changes")
    assert [(row["action"], row["actor"], row["count"], row["detail"]) for row in (removed, disabled)] == [
        ("remove", "cli", 1, ""),
        ("disable", "cli", 2, "sold"),
    ]
    assert len(added) == 3
    assert removed["undoable"]
    assert some.json("undo", str(removed["id"])) == {"restored": 1, "skipped": []}
    assert "2 put back" in some("undo", str(disabled["id"])).stdout
    assert some.rows() == before
    assert "undone already" in refusal(some("undo", str(disabled["id"]))).message
    assert "No change has the number 999" in refusal(some("undo", "999")).message


def test_changes_come_the_newest_first_a_part_at_a_time(some: Cli):
    some("disable", ONE)
    newest, older = some.json("changes", "--limit", "2")
    assert newest["id"] > older["id"]
    assert some.json("changes", "--limit", "1", "--before", str(newest["id"])) == [older]
    first = some("changes").stdout.splitlines()[0].split("\t")
    assert first[2:6] == ["cli", "disable", "1", "can be undone"]


def test_what_cannot_be_put_back_is_named(some: Cli):
    ident = some.ident(ONE)
    change = some.json("remove", ONE)["change_id"]
    some("add", ONE)
    told = some("undo", str(change)).stdout
    assert "0 put back" in told
    assert f"{ident} is left" in told
