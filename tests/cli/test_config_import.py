"""`config import` on the command line: a rehearsal, the file that it writes, and nothing secret on the screen."""

import json
from pathlib import Path

from typer.testing import CliRunner

from grok2api.cli.config_verbs import app
from neighbourhood import GOLDEN


def run(data: Path, *words: str):
    return CliRunner().invoke(app, ["import", str(GOLDEN / "config.toml"), *words, "--data-dir", str(data)])


def test_a_rehearsal_writes_nothing_and_the_import_writes_what_it_said(tmp_path):
    data = tmp_path / "data"
    rehearsed = run(data, "--dry-run")
    assert not (data / "config.toml").exists()
    assert "retry.max_retries = 2" in rehearsed.stdout
    assert "8 settings would be written" in rehearsed.stdout
    done = run(data)
    assert done.stdout.replace("are written to", "would be written to") == rehearsed.stdout
    shown = json.loads(CliRunner().invoke(app, ["show", "--json", "--data-dir", str(data)]).stdout)
    values = {row["key"]: row["value"] for row in shown}
    assert (values["retry.max_retries"], values["features.temporary"]) == (2, False)
    assert values["account.strategy"] == "random"
    assert run(data).stdout == done.stdout


def test_Z2_secrets_are_masked_and_reasons_can_be_read_by_programs(tmp_path):
    done = run(tmp_path / "data", "--json")
    said = json.loads(done.stdout)
    assert said["settings"]["app.api_key"] == ["********", "********"]
    assert "voice.timeout" in said["left"]
    assert "MARKED" not in done.output
