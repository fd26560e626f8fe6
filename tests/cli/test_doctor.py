"""`grok2api doctor` on installations that are well, and on those that have one thing wrong."""

import hashlib
import json
import os
import sqlite3
import time
from contextlib import closing, contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web
from typer.testing import CliRunner

from coordination.redis_here import URL
from databases import ENGINES, database
from grok2api.cli.main import application
from grok2api.simulator.rejections import REJECTIONS
from grok2api.storage.schema import HEAD, REVISIONS
from typed import Cli, doctor, on_terminal, point
from typed import beside as beside
from typed import cli as cli
from typed import simulated as simulated

WEB, KEY = "demo-super-1", "xai-demo-api-1"
SESSION = "grok.com session"


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loopback address with a port that nobody has."""
    point(monkeypatch, {"server.host": "127.0.0.1", "server.port": "9"})


@pytest.fixture
def well(cli: Cli, simulated) -> Cli:
    """A store with an account of each kind, and upstreams that know them."""
    cli("add", WEB, KEY)
    return cli


def failed(findings) -> set[str]:
    return {subject for subject, found in findings.items() if any(one["grade"] == "fail" for one in found)}


def sql(cli: Cli, statement: str) -> None:
    with closing(sqlite3.connect(cli.data / "grok2api.db")) as connection:
        connection.execute(statement)
        connection.commit()


def prints(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}


def test_all_is_well_and_nothing_is_changed(well: Cli):
    before = prints(well.data)
    code, findings = doctor(well.data)
    assert (code, failed(findings)) == (0, set())
    assert {found["grade"] for some in findings.values() for found in some} <= {"good", "note"}
    assert set(findings) >= {"store", "schema", "store file", "store key", "accounts", "clock", "upstream grok.com"}
    assert set(findings) >= {SESSION, "console.x.ai session", "official key", "data directory", "disk", "open files"}
    assert findings["schema"][0]["seen"] == f"{HEAD}, the newest"
    assert findings["accounts"][0]["seen"] == "2 active"
    assert prints(well.data) == before
    assert "demo-super-1" not in json.dumps(findings)


def test_what_is_not_there_is_not_made(cli: Cli, simulated):
    code, findings = doctor(cli.data)
    assert code == 0
    assert findings["data directory"][0]["grade"] == findings["store"][0]["grade"] == "note"
    assert not cli.data.exists()


def test_offline_asks_no_upstream(well: Cli, simulated):
    code, findings = doctor(well.data, "--offline")
    assert code == 0
    assert not [subject for subject in findings if subject.startswith("upstream") or subject == "clock"]
    assert SESSION not in findings
    assert not simulated.world.journal.entries


@pytest.mark.parametrize("state", ["expired", "blocked", "challenged"])
def test_an_account_that_is_not_let_in_is_a_failure(well: Cli, simulated, state):
    simulated.world.accounts[WEB].state = state
    code, findings = doctor(well.data)
    assert (code, failed(findings) - {"console.x.ai session"}) == (1, {SESSION})
    found = findings[SESSION][0]
    assert well.ident(WEB) in found["seen"]
    assert {"expired": "accounts edit ID", "blocked": "remove it", "challenged": "cookies"}[state] in found["mend"]
    assert well.rows("--status", "active"), "the account is as it was"


def test_an_account_that_rests_upstream_is_no_failure(well: Cli, simulated):
    simulated.world.on(fault="429", endpoint="rate_limits")
    code, findings = doctor(well.data)
    assert (code, findings[SESSION][0]["grade"]) == (0, "warn")


def test_a_store_of_a_newer_version_is_refused_untouched(well: Cli):
    sql(well, "UPDATE alembic_version SET version_num = '9999'")
    before = prints(well.data)
    code, findings = doctor(well.data, "--offline")
    assert (code, failed(findings)) == (1, {"store"})
    assert "newer version" in findings["store"][0]["seen"]
    assert "Update grok2api" in findings["store"][0]["mend"]
    assert prints(well.data) == before


def test_a_store_of_an_older_version_is_not_migrated(well: Cli):
    sql(well, f"UPDATE alembic_version SET version_num = '{REVISIONS[0]}'")
    before = prints(well.data)
    code, findings = doctor(well.data, "--offline")
    assert (code, findings["schema"][0]["grade"]) == (0, "note")
    assert f"{len(REVISIONS) - 1} migration" in findings["schema"][0]["seen"]
    assert "backup" in findings["schema"][0]["mend"]
    assert prints(well.data) == before


def test_a_key_that_does_not_fit_is_told(well: Cli, monkeypatch):
    monkeypatch.setenv("GROK2API_SECRET_KEY", "another key, long enough")
    code, findings = doctor(well.data, "--offline")
    assert (code, failed(findings)) == (1, {"store key"})
    assert "secret.key" in findings["store key"][0]["mend"]


def test_a_change_of_keys_that_was_interrupted_is_told_and_not_ended(well: Cli):
    (well.data / "secret.key").rename(well.data / "secret.key.new")
    (well.data / "secret.key").write_text("00" * 32)
    before = prints(well.data)
    code, findings = doctor(well.data, "--offline")
    assert (code, findings["store key"][-1]["grade"]) == (0, "note")
    assert findings["accounts"][0]["seen"] == "2 active"
    assert prints(well.data) == before


def test_a_key_that_is_missing_is_told_and_not_made(well: Cli):
    (well.data / "secret.key").unlink()
    code, findings = doctor(well.data, "--offline")
    assert (code, failed(findings)) == (1, {"store"})
    assert "is missing" in findings["store"][-1]["seen"]
    assert not (well.data / "secret.key").exists()


@pytest.mark.parametrize(("name", "subject"), [("secret.key", "store key"), ("config.toml", "configuration file")])
def test_secrets_that_others_can_read_are_told(well: Cli, name, subject):
    path = well.data / name
    path.touch()
    path.chmod(0o644)
    code, findings = doctor(well.data, "--offline")
    assert (code, findings[subject][0]["grade"]) == (0, "warn")
    assert findings[subject][0]["mend"] == f"chmod 600 {path}"


def test_a_store_that_somebody_keeps_locked_is_told(well: Cli, monkeypatch):
    monkeypatch.setattr("grok2api.doctor.store._BUSY_SEC", 0.05)
    with closing(sqlite3.connect(well.data / "grok2api.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, findings = doctor(well.data, "--offline")
    assert (code, failed(findings)) == (1, {"store"})
    assert "locked" in findings["store"][0]["seen"]


def test_a_file_with_another_journal_is_left_as_it_is(well: Cli):
    sql(well, "PRAGMA journal_mode=DELETE")
    before = prints(well.data)
    code, findings = doctor(well.data, "--offline")
    assert (code, findings["store"][0]["grade"]) == (0, "note")
    assert prints(well.data) == before


def test_a_damaged_store_is_told(well: Cli):
    sql(well, "PRAGMA wal_checkpoint(TRUNCATE)")
    path = well.data / "grok2api.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 3))
    code, findings = doctor(well.data, "--offline")
    assert code == 1
    assert failed(findings) <= {"store", "store file"}
    assert failed(findings)


def test_a_file_that_is_no_store_is_told(cli: Cli):
    cli.data.mkdir()
    (cli.data / "grok2api.db").write_text("nonsense " * 200)
    code, findings = doctor(cli.data, "--offline")
    assert (code, failed(findings)) == (1, {"store"})


def test_a_configuration_that_is_refused_is_told(cli: Cli):
    cli.data.mkdir()
    (cli.data / "config.toml").write_text('[server]\nport = "x"\n')
    code, findings = doctor(cli.data, "--offline")
    assert (code, failed(findings)) == (1, {"configuration"})


def test_keys_for_nobody_are_told(well: Cli, monkeypatch):
    point(monkeypatch, {"server.host": "0.0.0.0"})
    assert doctor(well.data, "--offline")[1]["client keys"][0]["grade"] == "warn"


def test_an_upstream_that_cannot_be_reached_is_told(well: Cli, monkeypatch):
    point(
        monkeypatch, {"upstream.console.base_url": "http://127.0.0.1:9", "upstream.api.base_url": "http://127.0.0.1:8"}
    )
    code, findings = doctor(well.data)
    assert code == 1
    assert failed(findings) == {"upstream console.x.ai", "console.x.ai session", "official key"}
    assert findings["upstream api.x.ai"][0]["grade"] == "warn"
    assert "proxy.egress" in findings["upstream console.x.ai"][0]["mend"]


@contextmanager
def answering(beside, answer):
    """Something that gives one answer to everything."""

    async def begin():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = beside.run(begin())
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        beside.run(runner.cleanup())


def test_a_challenge_page_is_told_with_what_renews_the_way(well: Cli, beside, monkeypatch):
    page, _ = REJECTIONS["403-challenge"]

    async def challenge(_):
        return web.Response(status=page.status, body=page.body, headers=dict(page.headers))

    with answering(beside, challenge) as url:
        point(monkeypatch, {"upstream.web.base_url": url})
        _, findings = doctor(well.data)
    assert findings["upstream grok.com"][0]["seen"] == "answers with a challenge page"
    assert "proxy.clearance.cf_cookies" in findings["upstream grok.com"][0]["mend"]


@pytest.mark.parametrize(
    ("ahead", "grade"), [(0, "good"), (12, "warn"), (-12, "warn"), (-90, "fail"), (90, "fail"), (40_000_000, "fail")]
)
def test_a_clock_that_differs_is_told(cli: Cli, beside, monkeypatch, ahead, grade):
    async def dated(_):
        return web.Response(headers={"Date": formatdate(time.time() - ahead, usegmt=True)})

    with answering(beside, dated) as url:
        upstreams = ("web.base_url", "web.assets_url", "console.base_url", "api.base_url")
        point(monkeypatch, {f"upstream.{name}": url for name in upstreams})
        code, findings = doctor(cli.data)
    (clock,) = findings["clock"]
    assert (clock["grade"], code) == (grade, int(grade == "fail"))
    if ahead:
        assert ("ahead" if ahead > 0 else "behind") in clock["seen"]
        assert "NTP" in clock["mend"]


@pytest.mark.parametrize(
    ("health", "ready", "body", "grade", "said"),
    [
        (200, 200, '{"status": "ready"}', "good", "is ready"),
        (200, 503, '{"status": "unavailable", "reason": "storage"}', "warn", "storage"),
        (404, 404, "<html>", "fail", "another program"),
        (200, 200, "[1]", "fail", "another program"),
    ],
)
def test_what_answers_at_the_gateways_port_is_told(cli: Cli, beside, monkeypatch, health, ready, body, grade, said):
    async def gateway(request):
        return web.Response(status=ready if request.path == "/ready" else health, text=body)

    with answering(beside, gateway) as url:
        point(monkeypatch, {"server.port": url.rpartition(":")[2]})
        _, findings = doctor(cli.data, "--offline")
    assert findings["gateway"][0]["grade"] == grade
    assert said in findings["gateway"][0]["seen"]


def test_a_pipe_gets_a_line_for_each_check_and_a_verdict(well: Cli):
    done = CliRunner().invoke(application(["doctor"]), ["doctor", "--offline", "--data-dir", str(well.data)])
    *lines, verdict = done.stdout.splitlines()
    assert {line.count("\t") for line in lines} == {3}
    assert verdict == f"All {len(lines)} checks passed, 0 warnings."
    assert done.stderr == ""


def test_a_terminal_shows_the_same_with_what_to_do_below(well: Cli):
    (well.data / "secret.key").chmod(0o644)
    shown, _ = on_terminal("doctor", "--offline", "--data-dir", str(well.data))
    assert "warn" in shown
    assert "-> chmod 600" in shown
    assert "checks passed, 1 warnings." in shown


@pytest.mark.parametrize("engine", ENGINES)
def test_every_database_is_looked_at_and_left_alone(cli: Cli, engine, tmp_path, monkeypatch):
    cli.data.mkdir()
    with database(engine, tmp_path) as url:
        point(monkeypatch, {"storage.url": url})
        code, findings = doctor(cli.data, "--offline")
        assert (code, findings["store"][0]["grade"]) == (0, "note")
        assert not list(cli.data.iterdir())
        cli("add", WEB)
        code, findings = doctor(cli.data, "--offline")
        assert (code, failed(findings)) == (0, set())
        assert engine in findings["store"][0]["seen"]
        assert findings["accounts"][0]["seen"] == "1 active"


@pytest.mark.parametrize(
    "url", ["postgresql://me:S3CRET@127.0.0.1:9/none", "mariadb://me:S3CRET@127.0.0.1:9/none", "x"]
)
def test_a_database_that_is_away_is_told_without_its_password(cli: Cli, url, monkeypatch):
    cli.data.mkdir()
    point(monkeypatch, {"storage.url": url})
    code, findings = doctor(cli.data, "--offline")
    assert code == 1
    assert failed(findings) <= {"store", "configuration"}
    assert "S3CRET" not in json.dumps(findings)
    assert all(found["mend"] for some in findings.values() for found in some if found["grade"] != "good")


def test_redis_is_asked_where_processes_go_by_it(cli: Cli, monkeypatch):
    assert "coordination" not in doctor(cli.data, "--offline")[1]
    point(monkeypatch, {"coordination.url": URL})
    code, findings = doctor(cli.data, "--offline")
    (found,) = findings["coordination"]
    assert (code, found["subject"], found["grade"], found["mend"]) == (0, "coordination", "good", "")
    assert "answers in" in found["seen"]


def test_a_redis_that_is_away_is_told_without_its_password(cli: Cli, monkeypatch):
    point(monkeypatch, {"coordination.url": "redis://me:S3CRET@127.0.0.1:9/0"})
    code, findings = doctor(cli.data, "--offline")
    assert (code, failed(findings)) == (1, {"coordination"})
    assert findings["coordination"][0]["seen"] == "redis://127.0.0.1:9 cannot be reached"
    assert "S3CRET" not in json.dumps(findings)
