"""What makes it fast, asserted by its shape and not by a clock: X1, X3, M4."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asking import DIALECTS, MODELS, TEXT, ask
from grok2api.simulator.script import Say, Script
from grok2api.simulator.world import WorldOptions
from rig import rigged

#: Modules that only other verbs, a migration or a demo need.
NOT_FOR_SERVING = ("PIL", "alembic", "aiohttp", "tomlkit", "psycopg", "pymysql", "redis", "grok2api.simulator.app")

#: What a start does with its modules before it serves.
PROBE = """
import asyncio, pathlib, sys
import grok2api.app, grok2api.cli.serve
from grok2api.storage.opening import store_for

async def main():
    store = await store_for("", pathlib.Path(sys.argv[1]), {})
    await store.load()
    await store.close()

asyncio.run(main())
print(*sys.modules)
"""


def words(count: int) -> Script:
    return Script(steps=(Say(" ".join(f"w{number}" for number in range(count))),))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
async def test_X1_what_arrives_in_one_read_leaves_in_one_write(tmp_path: Path, dialect: str, model: str) -> None:
    async with rigged(tmp_path, world=WorldOptions(burst=True, metered=False)) as rig:
        rig.world.on(script=words(200))
        body = json.dumps(ask(dialect, model=model)).encode()
        sent: list[dict[str, Any]] = []
        asked = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if not asked:
                await rig.world.journal.wait(lambda entry: False, within=60)
            return asked.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        scope: Any = {"type": "http", "method": "POST", "path": DIALECTS[dialect], "headers": [], "query_string": b""}
        await rig.app.face(scope, receive, send)
        stream = b"".join(message.get("body", b"") for message in sent)
        tokens = stream.count(b"data: ")
        assert TEXT[dialect](stream).split()[-1] == "w199"
        assert tokens >= 200
        assert len(sent) < tokens / 4


def test_X3_serving_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROBE, str(tmp_path)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "grok2api.app" in loaded
    assert not set(NOT_FOR_SERVING) & set(loaded)


def test_X3_serving_does_not_carry_what_draws_on_terminals() -> None:
    probe = """
import sys
from grok2api.cli.main import main
sys.argv = ["grok2api", "serve", "--help"]
try:
    main()
except SystemExit:
    import grok2api.app
    print(*sys.modules)
"""
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    assert "grok2api.app" in loaded
    assert not {"rich.console", "pygments"} & set(loaded)


def test_X3_a_process_that_only_watches_over_others_loads_nothing_of_the_gateway() -> None:
    probe = "import sys, grok2api.cli.main, grok2api.cli.serve, grok2api.supervisor; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    assert not {"grok2api.app", "sqlalchemy", "uvicorn", "starlette", "redis", *NOT_FOR_SERVING} & set(loaded)


@pytest.mark.parametrize("dialect", ["chat", "messages"])
async def test_M4_memory_of_a_stream_does_not_grow_with_the_answer(tmp_path: Path, dialect: str) -> None:
    """What is held for a stream is bounded: the largest write of a long answer is that of a short one."""

    async def largest(count: int, folder: str) -> int:
        async with rigged(tmp_path / folder, world=WorldOptions(burst=True, metered=False)) as rig:
            rig.world.on(script=words(count))
            biggest = 0
            async with rig.http.post(rig.url + DIALECTS[dialect], json=ask(dialect)) as answer:
                async for chunk, _ in answer.content.iter_chunks():
                    biggest = max(biggest, len(chunk))
            return biggest

    assert await largest(20_000, "long") < 4 * max(await largest(2_000, "short"), 65_536)
