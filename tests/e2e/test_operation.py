"""The gateway as a process: how it starts, what it says, how it ends, and what it never says."""

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from asking import TEXT, ask
from grok2api.simulator.app import Running, start
from grok2api.simulator.world import World
from rig import CHAT, MESSAGES, RESPONSES

COMMAND = (sys.executable, "-m", "grok2api")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GROK2API_")}
    return kept | {"NO_COLOR": "1"} | more


async def run(*words: str, stdin: str = "", **more: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *words, stdin=-1, stdout=-1, stderr=-1, env=environment(**more)
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 30)
    return process.returncode or 0, out.decode(), err.decode()


class Server:
    """A running `grok2api serve`."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.said = ""

    async def until(self, words: str) -> str:
        """Read its standard error until `words` were said."""
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            while words not in self.said:
                line = await self.process.stderr.readline()
                assert line, self.said
                self.said += line.decode()
        return self.said

    async def end(self) -> int:
        """Send SIGTERM and wait; the rest of what it said is kept."""
        self.process.send_signal(signal.SIGTERM)
        return await self.over()

    async def over(self) -> int:
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            self.said += (await self.process.stderr.read()).decode()
            return await self.process.wait()


@asynccontextmanager
async def serving(data_dir: Path, *words: str, **more: str) -> AsyncIterator[Server]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(data_dir), *words,
        stdout=-1, stderr=-1, env=environment(**more),
    )  # fmt: skip
    server = Server(process, f"http://127.0.0.1:{port}")
    try:
        await server.until("listens on")
        yield server
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def simulated() -> AsyncIterator[tuple[Running, dict[str, str]]]:
    """A simulator, and the environment that points a gateway at it."""
    running = await start(World(accounts=()))
    names = {
        "GROK2API_UPSTREAM__WEB__BASE_URL": running.url,
        "GROK2API_UPSTREAM__CONSOLE__BASE_URL": running.url,
    }
    try:
        yield running, names
    finally:
        await running.close()


async def test_Z1_the_first_start_makes_an_admin_key_and_shows_it_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        said = await server.until("admin key")
        key = re.findall(r"admin key[^:]*: (\S{20,})", said)
        assert len(key) == 1
        assert (tmp_path / "admin.key").stat().st_mode & 0o777 == 0o600
        assert key[0] != "grok2api"
        assert await server.end() == 0
    async with serving(tmp_path) as server:
        await server.end()
        assert key[0] not in server.said


async def test_health_ready_and_meta_answer(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, aiohttp.ClientSession() as http:
        for path, member in (("/health", "status"), ("/ready", "status"), ("/meta", "version")):
            async with http.get(server.url + path) as answer:
                assert answer.status == 200
                assert member in await answer.json()


async def test_O1_sigterm_drains_streams_refuses_the_new_and_exits_0(tmp_path: Path) -> None:
    async with simulated() as (simulator, names), aiohttp.ClientSession() as http:
        await run("accounts", "add", "--pool", "basic", "--data-dir", str(tmp_path), "sim-basic-1", **names)
        simulator.world.account("sim-basic-1")
        simulator.world.on(script="One two three four five.", fault="pause@2=1")
        async with serving(tmp_path, **names) as server:
            async with http.post(server.url + CHAT, json=ask("chat")) as answer:
                first = await answer.content.readany()
                server.process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(2):
                    while True:
                        async with http.get(server.url + "/ready") as ready:
                            if ready.status == 503:
                                break
                async with http.post(server.url + CHAT, json=ask("chat")) as refused:
                    assert refused.status == 503
                    assert "retry-after" in refused.headers
                whole = first + await answer.read()
            assert TEXT["chat"](whole) == "One two three four five."
            assert await server.over() == 0


async def test_O1_streams_that_outlast_the_grace_time_are_ended(tmp_path: Path) -> None:
    async with simulated() as (simulator, names), aiohttp.ClientSession() as http:
        await run("accounts", "add", "--pool", "basic", "--data-dir", str(tmp_path), "sim-basic-1", **names)
        simulator.world.account("sim-basic-1")
        simulator.world.on(script="One two three.", fault="pause@2=60")
        async with (
            serving(tmp_path, GROK2API_SERVER__DRAIN_SEC="0.2", **names) as server,
            http.post(server.url + CHAT, json=ask("chat")) as answer,
        ):
            await answer.content.readany()
            assert await server.end() == 0


async def test_O3_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, _, err = await run("serve", "--host", "127.0.0.1", "--port", port, "--data-dir", str(tmp_path))
    assert code != 0
    assert port in err
    assert err.count("\n") == 1


async def test_O3_other_failing_starts_are_one_line_and_overwrite_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I am no directory")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.toml").write_text("[app\napi_key = 5")
    newer = tmp_path / "newer"
    await run("accounts", "add", "--data-dir", str(newer), "sim-basic-1")
    with sqlite3.connect(newer / "grok2api.db") as store:
        store.execute("update alembic_version set version_num = 'from-the-future'")
    store.close()
    before = (newer / "grok2api.db").read_bytes()
    cases = {
        str(tmp_path / "file"): "file",
        str(broken): "config.toml",
        str(newer): "newer",
    }
    for data_dir, word in cases.items():
        code, _, err = await run("serve", "--data-dir", data_dir, "--host", "127.0.0.1", "--port", str(free_port()))
        assert code != 0, err
        assert word in err
        assert err.count("\n") == 1, err
        assert "Traceback" not in err
    assert (newer / "grok2api.db").read_bytes() == before
    assert (tmp_path / "file").read_text() == "I am no directory"


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("GROK2API_SERVER__PORT", "eighty", "server.port"),
        ("GROK2API_STREAM__KEEPALIVE_SEC", "-1", "stream.keepalive_sec"),
        ("GROK2API_ACCOUNT__STRATEGY", "best", "account.strategy"),
        ("GROK2API_FEATURES__STREEM", "true", "features.streem"),
    ],
)
async def test_O3_a_bad_setting_is_named(tmp_path: Path, variable: str, value: str, key: str) -> None:
    code, _, err = await run("serve", "--data-dir", str(tmp_path), **{variable: value})
    assert code != 0
    assert key in err.lower()


async def test_more_than_one_worker_is_refused_with_the_reason(tmp_path: Path) -> None:
    code, _, err = await run("serve", "--data-dir", str(tmp_path), "--workers", "2")
    assert code != 0
    assert "workers" in err


SECRETS = {
    "token": "sim-marked-token-7f3a9c",
    "api_key": "marked-client-key-51bd",
    "cookie": "marked-clearance-cookie-88e1",
    "header": "marked-statsig-header-aa07",
    "admin": "marked-admin-key-0c4d99",
}


async def test_Z2_no_secret_in_any_output_file_or_body(tmp_path: Path) -> None:
    seen: list[str] = []
    async with simulated() as (simulator, names), aiohttp.ClientSession() as http:
        names |= {
            "GROK2API_LOGGING__LEVEL": "DEBUG",
            "GROK2API_APP__API_KEY": SECRETS["api_key"],
            "GROK2API_APP__APP_KEY": SECRETS["admin"],
            "GROK2API_PROXY__CLEARANCE__MODE": "manual",
            "GROK2API_PROXY__CLEARANCE__CF_COOKIES": f"cf_clearance={SECRETS['cookie']}",
            "GROK2API_UPSTREAM__HEADERS": json.dumps({"x-statsig-id": SECRETS["header"]}),
        }
        _, out, err = await run(
            "accounts", "add", "--pool", "basic", "--data-dir", str(tmp_path), f"sso={SECRETS['token']}", **names
        )
        seen += [out, err]
        simulator.world.account(SECRETS["token"])
        headers = {"authorization": f"Bearer {SECRETS['api_key']}"}
        faults = ["", "401-session", "403-challenge", "429", "500", "error", "cut@900", "garbage", "html", "eof"]
        async with serving(tmp_path, **names) as server:
            for fault in faults:
                simulator.world.scenarios.clear()
                simulator.world.on(script="hello", fault=fault or ())
                for path, dialect in ((CHAT, "chat"), (RESPONSES, "responses"), (MESSAGES, "messages")):
                    for model in ("grok-4.3-fast", "grok-4.3-console"):
                        async with http.post(server.url + path, json=ask(dialect, model=model), headers=headers) as got:
                            seen += [(await got.read()).decode(), str(got.headers)]
            for path in (f"/v1/models?key={SECRETS['api_key']}", f"/nowhere?app_key={SECRETS['admin']}"):
                async with http.get(server.url + path, headers={"x-api-key": "wrong"}) as got:
                    seen.append(await got.text())
            used = {entry.token for entry in simulator.world.journal.chats}
            assert used == {SECRETS["token"]}
            assert simulator.world.journal.chats[0].headers["x-statsig-id"] == SECRETS["header"]
            assert SECRETS["cookie"] in simulator.world.journal.chats[0].headers["cookie"]
            await server.end()
            seen.append(server.said)
        for verb in (["accounts", "list"], ["accounts", "list", "--json"], ["config", "show"], ["accounts", "export"]):
            _, out, err = await run(*verb, "--data-dir", str(tmp_path), **names)
            seen += [out, err]
    assert "answered" in server.said
    for path in tmp_path.rglob("*"):
        if path.is_file():
            seen.append(path.read_bytes().decode("latin-1"))
    for name, secret in SECRETS.items():
        found = [text[max(0, text.find(secret) - 80) :][:160] for text in seen if secret in text]
        assert not found, (name, found[0])


async def test_changes_of_the_command_line_reach_a_running_server(tmp_path: Path) -> None:
    async with simulated() as (simulator, names), aiohttp.ClientSession() as http:
        simulator.world.account("sim-basic-1")
        simulator.world.on(script="hello")
        async with serving(tmp_path, **names) as server:
            async with http.post(server.url + CHAT, json=ask("chat")) as answer:
                assert answer.status == 429
            await run("accounts", "add", "--pool", "basic", "--data-dir", str(tmp_path), "sim-basic-1", **names)
            async with asyncio.timeout(10):
                while True:
                    async with http.post(server.url + CHAT, json=ask("chat")) as answer:
                        await answer.read()
                    if answer.status == 200:
                        break
                    await asyncio.sleep(0.1)
            assert await server.end() == 0
        _, out, _ = await run("accounts", "list", "--json", "--data-dir", str(tmp_path), **names)
        assert json.loads(out)
        assert '"use_count": 1' in out or '"use_count":1' in out


async def test_a_running_server_takes_the_configuration_over(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, aiohttp.ClientSession() as http:

        async def until(status: int) -> None:
            async with asyncio.timeout(10):
                while True:
                    async with http.get(f"{server.url}/v1/models") as answer:
                        if answer.status == status:
                            return
                    await asyncio.sleep(0.1)

        await until(200)
        await run("config", "set", "app.api_key", "a-key-of-clients", "--data-dir", str(tmp_path))
        await until(401)
        with (tmp_path / "config.toml").open("a") as file:
            file.write("\n[logging]\nlevel = 'LOUD'\n")
        await server.until("logging.level must be one of")
        await until(401)
        await run("config", "set", "app.api_key", "", "--data-dir", str(tmp_path))
        (tmp_path / "config.toml").write_text("")
        await until(200)
        assert "a-key-of-clients" not in server.said
        assert await server.end() == 0


async def test_the_demo_answers_its_own_curl_line(tmp_path: Path) -> None:
    async with serving(tmp_path, "--demo") as server, aiohttp.ClientSession() as http:
        said = await server.until("curl")
        assert server.url in said
        question = ask("chat", "Why is the sky blue?", model="grok-4.20-auto")
        async with http.post(server.url + CHAT, json=question) as got:
            assert got.status == 200
            assert "sky" in TEXT["chat"](await got.read())
        assert await server.end() == 0
