"""`accounts import` and `export` over the real store: dry run, updates, other programs' data, files for oneself."""

import json
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from test_accounts_verbs import KEY, ONE, TWO, Cli, cli, refusal
from typer.testing import CliRunner

from grok2api.cli import progress
from grok2api.cli.accounts import app
from grok2api.cli.common import CommandError
from neighbourhood import GOLDEN, fill_v2

__all__ = ["cli"]


def told(cli: Cli, *words: str) -> dict:
    return json.loads(cli("import", *words, "--json").stdout)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "accounts"
    path.write_text(f'{{"token": "{ONE}", "pool": "super", "tags": ["a"]}}\n{TWO}\nsso={TWO}\nbad;one\n')
    return path


def test_a_dry_run_says_entry_by_entry_what_an_import_then_does(cli, file):
    cli("add", "--pool", "basic", ONE)
    before = cli.rows()
    rehearsed = told(cli, str(file), "--dry-run", "--on-existing", "update")
    assert cli.rows() == before
    assert (rehearsed["dry_run"], rehearsed["totals"]["add"], rehearsed["totals"]["update"]) == (True, 1, 1)
    assert [row["verdict"] for row in rehearsed["rows"]] == ["update", "add", "duplicate", "invalid"]
    assert rehearsed["rows"][0]["changes"] == ["pool basic -> super", "tags + a"]
    done = told(cli, str(file), "--on-existing", "update")
    assert (done["dry_run"], done["totals"]) == (False, rehearsed["totals"])
    assert {(row["tier"], *row["tags"]) for row in cli.rows()} == {("super", "a"), ("basic",)}
    assert {row["id"] for row in done["rows"] if "id" in row} == {row["id"] for row in cli.rows()}
    assert told(cli, str(file), "--on-existing", "update")["totals"]["same"] == 2
    assert "MARKED" not in cli.seen


def test_without_being_asked_nothing_that_is_here_is_changed(cli, file):
    cli("add", "--pool", "basic", ONE)
    done = cli("import", str(file))
    assert (done.exit_code, done.stdout) == (1, "1 added, 2 skipped: here already, 1 invalid\n")
    assert {row["tier"] for row in cli.rows()} == {"basic"}
    assert "line 4" in done.stderr


def test_lines_for_people_are_printed_when_asked_for(cli, file):
    lines = cli("import", str(file), "--dry-run", "--verbose").stdout.splitlines()
    assert [line.split("\t")[3] for line in lines[:-1]] == ["add", "add", "duplicate"]
    assert lines[-1] == "2 would be added, 1 skipped: here already, 1 invalid"


def test_D6_a_database_of_chenyme_grok2api_is_taken_over(cli, tmp_path):
    database = tmp_path / "accounts.db"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(database))
    fill_v2(engine)
    engine.dispose()
    rehearsed = cli("import", str(database), "--dry-run").stdout
    assert rehearsed == "4 would be added, 0 skipped: here already, 1 skipped: deleted there, 1 invalid\n"
    assert cli("import", str(database), "--tag", "moved").stdout.startswith("4 added")
    rows = cli.rows()
    (used,) = [row for row in rows if row["use_count"] == 1234]
    assert (used["tier"], used["tags"], used["windows"]["expert"]["total"]) == (
        "super",
        ["moved", "nsfw", "team a"],
        50,
    )
    assert {row["state"] for row in rows} == {"active", "expired", "disabled"}
    assert cli("import", str(database)).stdout.startswith("0 added, 4 skipped: here already")
    assert cli("import", str(GOLDEN / "v2_accounts.json")).stdout.startswith("0 added, 4 skipped: here already")


def test_a_form_may_be_named_when_the_content_misleads(cli, tmp_path):
    path = tmp_path / "odd"
    path.write_text(f"token\n{ONE}\n")
    assert cli("import", str(path), "--dry-run").stdout.startswith("1 would be added")
    assert cli("import", str(path), "--dry-run", "--format", "text").stdout.startswith("2 would be added")


@pytest.mark.parametrize("source", ["/does/not/exist", "redis://:MARKED@127.0.0.1:1/0", "ftp://x"])
def test_O3_a_source_that_cannot_be_read_is_one_line(cli, source):
    error = refusal(cli("import", source))
    assert "MARKED" not in error.message
    assert cli.rows() == []


def test_what_is_wrong_is_told_one_by_one_and_then_counted(cli, tmp_path):
    path = tmp_path / "bad"
    path.write_text("a;b\n" * 50 + ONE)
    said = cli("import", str(path), "--dry-run").stderr
    assert said.count("no sso value") == 20
    assert "30 more entries are not usable" in said
    assert cli("import", str(path), "--dry-run", "--verbose").stderr.count("no sso value") == 50
    path.write_text("a;b\n")
    assert refusal(cli("import", str(path))).exit_code == 2
    path.write_text("# nothing\n")
    assert refusal(cli("import", str(path))).exit_code == 2


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_an_export_comes_back_with_nothing_lost(cli, tmp_path, form):
    cli("add", "--pool", "heavy", "--tag", "t, u", ONE)
    cli("add", KEY)
    cli("add", TWO)
    cli("disable", TWO, "--reason", "on holiday\nback soon")
    path = tmp_path / "export"
    done = cli("export", "--secrets", "--format", form, "--output", str(path))
    assert (done.exit_code, done.stdout) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = Cli(tmp_path / "other")
    assert other("import", str(path)).stdout == "3 added, 0 skipped: here already\n"
    assert sorted(map(kept, other.rows()), key=str) == sorted(map(kept, cli.rows()), key=str)
    assert list(path.parent.glob(".export*")) == []


def kept(row: dict) -> dict:
    return {name: value for name, value in row.items() if name != "id"}


def test_an_export_that_cannot_be_written_leaves_nothing_behind(cli, tmp_path):
    cli("add", ONE)
    assert "cannot be written" in refusal(cli("export", "--output", str(tmp_path / "no" / "file"))).message
    assert refusal(cli("export", "--json", "--format", "csv")).exit_code == 2


def test_a_masked_export_is_refused_at_import(cli, tmp_path):
    cli("add", ONE)
    path = tmp_path / "masked"
    cli("export", "--json", "--output", str(path))
    assert "none of these is a credential" in refusal(Cli(tmp_path / "other")("import", str(path))).message


def test_O4_a_bar_on_a_terminal_and_nothing_in_a_pipe(cli, file, capsys, monkeypatch):
    assert "importing" not in cli("import", str(file)).stderr
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with progress.progress("importing", 10) as advance:
        advance(3)
    assert "importing" in capsys.readouterr().err


def test_reading_from_standard_input(cli):
    result = CliRunner().invoke(app, ["import", "-", "--data-dir", str(cli.data)], input=f"token;pool\n{ONE};super\n")
    assert result.exit_code == 0
    assert [row["tier"] for row in cli.rows()] == ["super"]


def test_an_error_of_the_store_is_an_error_of_the_verb(cli, file):
    cli.data.mkdir()
    (cli.data / "grok2api.db").write_text("nonsense " * 200)
    assert isinstance(cli("import", str(file)).exception, CommandError)
