import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grok2api.cli.accounts import app
from typed import KEY, ONE, TWO, Cli, refusal
from typed import cli as cli


def test_P11_an_account_added_twice_is_one(cli: Cli) -> None:
    dashes = ONE.replace("-", "\u2014")
    assert "2 added, 2 skipped" in cli("add", ONE, f"sso={ONE}", dashes, KEY, "--tag", "mine").stdout
    assert "0 added, 1 skipped" in cli("add", f"sso-rw={ONE}; sso={ONE}").stdout
    assert {(row["tier"], *row["tags"]) for row in cli.rows()} == {("basic", "mine"), ("api", "mine")}


def test_lines_are_read_from_stdin(cli: Cli) -> None:
    done = cli("add", "--pool", "super", "-", stdin=f"# mine\n\n{ONE}\n{TWO}\n")
    assert (done.exit_code, len(cli.rows("--pool", "super"))) == (0, 2)


def test_the_tier_of_a_session_is_said_to_be_a_guess(cli: Cli) -> None:
    assert "count as basic until" in cli("add", ONE).stderr
    assert "count as basic until" not in cli("add", "--pool", "basic", TWO).stderr


def test_bad_credentials_are_named_by_place_and_the_good_ones_are_added(cli: Cli) -> None:
    done = cli("add", "-", stdin=f"{ONE}\nbad;thing\n")
    assert done.exit_code == 1
    assert "line 2" in done.stderr
    assert "bad;thing" not in done.stderr
    assert "1 added, 0 skipped: here already, 1 invalid" in done.stdout
    assert refusal(cli("add", "a;b")).exit_code == 2
    assert refusal(cli("add", "-", stdin="")).exit_code == 2
    assert refusal(cli("add", "--pool", "super", KEY)).exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{TWO}\n",
        json.dumps({"super": [ONE], "basic": [{"token": TWO, "tags": ["x"]}]}),
        json.dumps([ONE, {"token": TWO, "pool": "super"}]),
        f'{{"token": "{ONE}", "pool": "heavy"}}\n{{"token": "{TWO}"}}\n',
    ],
    ids=["plain", "by pool", "array", "json lines"],
)
def test_D6_import_rehearses_first_and_twice_is_the_same_as_once(cli: Cli, tmp_path: Path, text: str) -> None:
    file = tmp_path / "accounts.txt"
    file.write_text(text)
    assert "2 would be added, 0 skipped" in cli("import", str(file), "--dry-run").stdout
    assert cli.rows() == []
    assert "2 added, 0 skipped" in cli("import", str(file)).stdout
    first = cli.rows()
    assert "0 would be added, 2 skipped" in cli("import", str(file), "--dry-run").stdout
    assert "0 added, 2 skipped" in cli("import", str(file)).stdout
    assert cli.rows() == first


def test_an_export_with_secrets_can_be_imported_again(cli: Cli, tmp_path: Path) -> None:
    cli("add", "--pool", "heavy", "--tag", "t", ONE)
    cli("add", KEY)
    exported = CliRunner().invoke(app, ["export", "--secrets", "--json", "--data-dir", str(cli.data)]).stdout
    file = tmp_path / "export.json"
    file.write_text(exported)
    other = Cli(tmp_path / "other")
    other("import", str(file))
    kept = ("tier", "tags", "kind", "token")
    assert [[row[name] for name in kept] for row in other.rows()] == [
        [row[name] for name in kept] for row in sorted(cli.rows(), key=lambda row: str(row["tier"]), reverse=True)
    ]


def test_Z2_credentials_are_shown_in_full_by_export_with_secrets_only(cli: Cli) -> None:
    cli("add", ONE, KEY)
    ident = str(cli.rows()[0]["id"])
    for words in (("list",), ("show", ident), ("show", ident, "--json"), ("export",), ("export", "--json")):
        assert cli(*words).exit_code == 0
    refusal(cli("show", TWO))
    assert "MARKED" not in cli.seen
    assert ONE in cli("export", "--secrets").stdout


def test_accounts_are_disabled_enabled_and_removed_by_id_or_credential(cli: Cli) -> None:
    cli("add", ONE, TWO)
    ident = str(cli.rows()[1]["id"])
    assert "2 disabled" in cli("disable", ONE, ident, "--reason", "on holiday").stdout
    assert {row["state_reason"] for row in cli.rows("--status", "disabled")} == {"on holiday"}
    assert "on holiday" in cli("list").stdout
    assert "1 enabled" in cli("enable", f"sso={ONE}").stdout
    assert len(cli.rows("--status", "active")) == 1
    assert "1 removed" in cli("remove", ONE, f"sso={ONE}").stdout
    assert len(cli.rows()) == 1


def test_an_unknown_account_changes_nothing_and_is_not_printed_in_full(cli: Cli) -> None:
    cli("add", ONE)
    error = refusal(cli("remove", ONE, TWO))
    assert "Nothing was changed" in error.message
    assert "MARKED" not in error.message
    assert len(cli.rows()) == 1


def test_O3_a_store_that_cannot_be_used_is_one_line(cli: Cli) -> None:
    cli.data.mkdir()
    (cli.data / "grok2api.db").write_text("nonsense " * 200)
    assert "grok2api.db" in refusal(cli("list")).message
    assert refusal(cli("import", "/does/not/exist")).exit_code == 1


def test_what_a_terminal_would_obey_is_not_printed(cli: Cli) -> None:
    cli("add", ONE, "--tag", "\x1b[31mred\x07", "--tag", "[bold]x[/]")
    ident = str(cli.rows()[0]["id"])
    for words in (("list",), ("show", ident)):
        shown = cli(*words).stdout
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "[bold]x[/]" in shown
