"""The root of the command line, and the `config` verbs, as a person types them."""

import io
import json
import socket
import stat
import sys

import pytest

from grok2api import __version__
from grok2api.cli.main import main

SECRET = "MARKED-s3cret"


@pytest.fixture
def typed(monkeypatch, capsys, tmp_path):
    """Run a command line in a directory of its own: exit code, what it printed, what it said on stderr."""
    monkeypatch.chdir(tmp_path)
    for name in ("GROK2API_DATA_DIR", "GROK2API_APP__API_KEY", "GROK2API_SERVER__PORT"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["grok2api", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_the_version(typed):
    assert typed("--version") == (0, f"grok2api {__version__}\n", "")


def test_the_verbs_are_listed(typed):
    code, out, _ = typed("--help")
    assert code == 0
    assert all(verb in out for verb in ("serve", "simulate", "accounts", "config"))


def test_set_then_get_then_show(typed, tmp_path):
    assert typed("config", "set", "stream.keepalive_sec", "5")[0] == 0
    path = tmp_path / "data" / "config.toml"
    assert path.read_text() == "[stream]\nkeepalive_sec = 5\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert typed("config", "get", "stream.keepalive_sec") == (0, "5\n", "")
    _, out, _ = typed("config", "show")
    assert "stream.keepalive_sec = 5  # data/config.toml" in out.splitlines()
    assert "server.port = 8000" in out.splitlines()
    code, out, _ = typed("config", "check")
    assert (code, out) == (0, "The configuration is good: 1 of " + out.split(" of ")[1])


def test_O4_lists_have_json(typed):
    typed("config", "set", "retry.on_codes", "429,503")
    rows = {row["key"]: row for row in json.loads(typed("config", "show", "--json")[1])}
    assert rows["retry.on_codes"]["value"] == [429, 503]
    assert rows["retry.on_codes"]["from"] == "data/config.toml"
    assert rows["app.app_key"] == {
        "key": "app.app_key",
        "value": "",
        "from": "default",
        "secret": True,
        "restart": False,
    }
    assert json.loads(typed("config", "get", "features.stream", "--json")[1])["value"] is True
    assert json.loads(typed("config", "check", "--json")[1])["ok"] is True


def test_Z2_secrets_are_shown_as_a_mask_unless_asked_for(typed, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET + "\n"))
    assert typed("config", "set", "app.api_key", "-")[0] == 0
    typed("config", "set", "upstream.headers", json.dumps({"x-statsig-id": SECRET}))
    typed("config", "set", "proxy.egress.proxy_url", f"http://me:{SECRET}@proxy:1")
    typed("config", "set", "proxy.clearance.cf_cookies", f"cf_clearance={SECRET}")
    for words in (("show",), ("show", "--json"), ("check",), ("get", "app.api_key"), ("get", "upstream.headers")):
        _, out, err = typed("config", *words)
        assert SECRET not in out + err
    assert '"********"' in typed("config", "get", "app.api_key")[1]
    assert typed("config", "get", "app.api_key", "--reveal")[1] == f'["{SECRET}"]\n'


def test_O2_a_value_that_is_refused_changes_nothing(typed, tmp_path):
    code, out, err = typed("config", "set", "server.port", "x")
    assert (code, out) == (1, "")
    assert err == "grok2api: server.port must be a whole number from 0 to 65535, not 'x'\n"
    assert not (tmp_path / "data").exists()


def test_an_unknown_key_is_answered_with_the_nearest(typed):
    code, _, err = typed("config", "get", "server.prt")
    assert code == 2
    assert err.startswith("grok2api: server.prt is not a setting; the nearest are server.port")
    assert typed("config", "set", "server.prt", "1")[0] == 2


def test_a_setting_that_waits_for_the_next_start_is_told(typed):
    assert typed("config", "set", "server.port", "8001")[1].endswith("; it takes effect at the next start.\n")
    assert "next start" not in typed("config", "set", "stream.keepalive_sec", "5")[1]


def test_a_variable_that_overrides_the_file_is_told(typed, monkeypatch):
    monkeypatch.setenv("GROK2API_SERVER__PORT", "9")
    _, _, err = typed("config", "set", "server.port", "8001")
    assert err == "grok2api: warning: the environment variable GROK2API_SERVER__PORT overrides it\n"


def test_a_setting_without_effect_is_told(typed):
    typed("config", "set", "logging.max_files", "3")
    _, _, err = typed("config", "check")
    assert err == "grok2api: warning: logging.max_files (data/config.toml) has no effect in this version\n"


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_O3_a_taken_port_is_one_line(typed, taken):
    code, out, err = typed("serve", "--host", "127.0.0.1", "--port", str(taken))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert str(taken) in err
    assert "--port" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workers", "2"), "--workers 2 (server.workers) needs coordination.url, a Redis or Valkey"),
        (("--port", "65536"), "server.port must be a whole number from 0 to 65535"),
        (("--config", "none.toml"), "none.toml does not exist"),
        (("--data-dir", "file"), "the data directory file cannot be made: it is not a directory"),
        (("--data-dir", "file/deeper"), "cannot be"),
    ],
)
def test_O3_a_start_that_cannot_be_is_one_line(typed, tmp_path, words, said):
    (tmp_path / "file").write_text("")
    code, out, err = typed("serve", "--host", "127.0.0.1", *words)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("grok2api: ")
    assert said in err
    assert "Traceback" not in err


def test_O3_the_variable_of_workers_is_for_nobody_else(typed, monkeypatch):
    monkeypatch.setenv("GROK2API_WORKER", "two")
    code, _, err = typed("serve")
    assert (code, err.count("\n")) == (1, 1)
    assert "GROK2API_WORKER" in err


def test_O3_a_broken_configuration_is_one_line(typed, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.toml").write_text("[server\n")
    code, _, err = typed("serve")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("grok2api: data/config.toml is not valid TOML: ")
