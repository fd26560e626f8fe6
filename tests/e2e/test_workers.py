"""Several processes behind one address: one cap, an orderly end, and nobody missed who is killed.

Real processes, real Redis. How many calls an account has at once is read off the simulator's journal.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from test_operation import Server, free_port, run, serving, simulated

from asking import ask
from coordination.redis_here import URL, keys_of_ours, until
from grok2api.simulator.app import Running
from grok2api.simulator.journal import Entry
from rig import CHAT

TOKENS = ("sim-basic-1", "sim-basic-2")


@asynccontextmanager
async def workers(data_dir: Path, count: int = 2, **more: str) -> AsyncIterator[tuple[Server, Running, dict[str, str]]]:
    """A gateway of several processes that all serve, and the simulator behind it."""
    async with keys_of_ours() as prefix, simulated() as (simulator, names):
        names |= {
            "GROK2API_COORDINATION__URL": URL,
            "GROK2API_COORDINATION__INSTALLATION": prefix,
            "GROK2API_ACCOUNT__REFRESH__ENABLED": "true",
            **more,
        }
        await run("accounts", "add", "--pool", "basic", "--data-dir", str(data_dir), *TOKENS, **names)
        for token in TOKENS:
            simulator.world.account(token)
        async with serving(data_dir, "--workers", str(count), **names) as server:
            await server.until("workers:")
            yield server, simulator, names


def most_at_once(entries: Iterable[Entry]) -> Counter[str]:
    """The most calls at the same time, by account."""
    steps = []
    for entry in entries:
        token = entry.token or ""
        steps += [(entry.at, 1, token), (entry.ended_at or float("inf"), -1, token)]
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for _, step, token in sorted(steps):
        now[token] += step
        most[token] = max(most[token], now[token])
    return most


async def post(url: str, body: dict[str, Any] | None = None) -> int:
    """The status of one question over a connection of its own."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http,
        http.post(url + CHAT, json=body or ask("chat")) as answer,
    ):
        await answer.read()
        return answer.status


async def children(server: Server) -> list[int]:
    """The process ids of the workers."""
    ps = await asyncio.create_subprocess_exec("ps", "-o", "pid=", "--ppid", str(server.process.pid), stdout=-1)
    out, _ = await ps.communicate()
    return [int(word) for word in out.split()]


async def test_P13_the_cap_holds_over_processes_in_both_strategies(tmp_path: Path) -> None:
    cap = {"GROK2API_ACCOUNT__SELECTION__MAX_INFLIGHT": "3"}
    async with workers(tmp_path, **cap) as (server, simulator, names):
        simulator.world.on(script="One two three four.", fault="pause@1=0.05")
        for strategy in ("quota", "random"):
            await run("config", "set", "--data-dir", str(tmp_path), "account.strategy", strategy, **names)
            server.process.send_signal(signal.SIGHUP)
            simulator.world.journal.clear()
            statuses = Counter(await asyncio.gather(*(post(server.url) for _ in range(40))))
            assert set(statuses) == {200, 429}
            assert most_at_once(simulator.world.journal.chats) == dict.fromkeys(TOKENS, 3)
            simulator.world.accounts["sim-basic-1"].windows["fast"].remaining = None
            simulator.world.accounts["sim-basic-2"].windows["fast"].remaining = None
        assert await server.end() == 0


async def test_P5_what_killed_workers_held_is_free_and_they_come_back_and_none_outlives_its_parent(
    tmp_path: Path,
) -> None:
    cap = {"GROK2API_ACCOUNT__SELECTION__MAX_INFLIGHT": "1", "GROK2API_LOGGING__LEVEL": "ERROR"}  # nobody reads its log
    async with workers(tmp_path, **cap) as (server, simulator, _):
        held = simulator.world.on(script="One two.", fault="pause@1=60")
        before = await children(server)
        streams = [asyncio.ensure_future(post(server.url)) for _ in TOKENS]
        await until(lambda: len(simulator.world.journal.chats) == 2)
        simulator.world.scenarios.remove(held)
        simulator.world.on(script="hello")
        assert await post(server.url) == 429
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        await asyncio.gather(*streams, return_exceptions=True)

        async def served() -> bool:
            try:
                return await post(server.url) == 200
            except aiohttp.ClientError:
                return False

        await until(served, within=15)
        after = await children(server)
        assert len(after) == 2
        assert not set(before) & set(after)
        server.process.kill()
        assert await server.over() == -signal.SIGKILL
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in after), within=10)


async def test_O1_O3_a_second_start_is_refused_and_all_workers_drain_before_the_parent_exits_0(tmp_path: Path) -> None:
    async with workers(tmp_path / "one") as (server, simulator, names):
        port = server.url.rpartition(":")[2]
        words = ("serve", "--host", "127.0.0.1", "--port", port, "--data-dir", str(tmp_path / "two"), "--workers", "2")
        code, _, err = await run(*words, **names)
        assert code == 1
        assert err.count("\n") == 1
        assert port in err
        simulator.world.on(script="One two three.", fault="pause@1=0.6")
        streams = [asyncio.ensure_future(post(server.url)) for _ in range(4)]
        await until(lambda: len(simulator.world.journal.chats) == 4)
        assert await server.end() == 0
        assert [await stream for stream in streams] == [200] * 4
        assert "admin key, shown this once" in server.said
        assert server.said.count("listens on") == 1


@pytest.mark.parametrize("words", [(), ("--workers", "2")])
async def test_O3_without_its_redis_a_start_is_refused_in_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    url = {"GROK2API_COORDINATION__URL": f"redis://:marked-password@127.0.0.1:{free_port()}/0"}
    port = str(free_port())
    code, _, err = await run("serve", "--host", "127.0.0.1", "--port", port, "--data-dir", str(tmp_path), *words, **url)
    assert code == 1
    assert err.count("\n") == 1
    assert "coordination.url" in err
    assert "marked-password" not in err


async def test_the_demo_is_one_process(tmp_path: Path) -> None:
    code, _, err = await run(
        "serve", "--demo", "--workers", "2", "--data-dir", str(tmp_path), GROK2API_COORDINATION__URL=URL
    )
    assert code == 1
    assert err.count("\n") == 1
    assert "--demo" in err
