from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from grok2api.cli.accounts import app
from grok2api.cli.common import CommandError

TOKEN = "first-session-token-MARKED-0001"


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--data-dir", str(data)])


def test_rotating_the_key_says_what_to_do_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, "add", TOKEN)
    before = (tmp_path / "secret.key").read_text()
    done = run(tmp_path, "rotate-key")
    assert done.exit_code == 0
    assert "1 credentials are encrypted with a new key" in done.stdout
    assert f"{tmp_path}/secret.key; secret.key.old beside it" in done.stdout
    assert "start the gateways of this store again" in done.stdout
    after = (tmp_path / "secret.key").read_text()
    assert after != before
    assert not {before.strip(), after.strip()} & set(done.output.split())
    assert TOKEN in run(tmp_path, "export", "--secrets").stdout
    monkeypatch.setenv("GROK2API_NEW_SECRET_KEY", "a phrase of many characters")
    assert "set GROK2API_SECRET_KEY to what GROK2API_NEW_SECRET_KEY holds" in run(tmp_path, "rotate-key").stdout
    monkeypatch.delenv("GROK2API_NEW_SECRET_KEY")
    monkeypatch.setenv("GROK2API_SECRET_KEY", "a phrase of many characters")
    assert TOKEN in run(tmp_path, "export", "--secrets").stdout
    error = run(tmp_path, "rotate-key").exception
    assert isinstance(error, CommandError)
    assert "set GROK2API_NEW_SECRET_KEY to the new one" in error.message
