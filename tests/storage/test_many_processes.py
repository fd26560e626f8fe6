"""One store, several processes: nobody is locked out and everything is counted."""

import asyncio
import sys
from pathlib import Path

from grok2api.accounts.model import Kind, new_account
from grok2api.catalog import Tier
from grok2api.storage.installation import installation
from grok2api.storage.opening import open_store, store_for

WRITER = """
import asyncio, pathlib, sys
from grok2api.accounts.model import Kind, new_account
from grok2api.catalog import Tier
from grok2api.storage.opening import store_for
from grok2api.storage.write_behind import Served

async def main():
    store = await store_for("", pathlib.Path(sys.argv[1]), {})
    name = sys.argv[2]
    accounts = (await store.load())[:1]
    for number in range(30):
        await store.write_runtime([Served(account, 1, number % 2) for account in accounts])
        if number % 10 == 0:
            ident = f"acc_{name}_{number}"
            await store.add([new_account(ident, f"secret-{ident}", Kind.WEB, Tier.BASIC, 1.0)])
    await store.close()

asyncio.run(main())
"""


async def test_D2_three_processes_write_one_sqlite_file(tmp_path: Path) -> None:
    store = await store_for("", tmp_path, {})
    await store.add([new_account("acc_1", "secret-1", Kind.WEB, Tier.BASIC, 0.0)])
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(tmp_path), str(number), stderr=-1)
        for number in range(3)
    ]
    said = [(await writer.communicate())[1].decode() for writer in writers]
    assert said == [""] * 3
    accounts = {account.id: account for account in await store.load()}
    assert (accounts["acc_1"].use_count, accounts["acc_1"].fail_count) == (90, 45)
    assert len(accounts) == 1 + 3 * 3
    await store.close()


async def test_an_installation_is_known_by_its_store_and_a_copy_is_another(tmp_path: Path) -> None:
    database, _ = await open_store("", tmp_path, {})
    mine = await installation(database)
    assert await installation(database) == mine
    await database.close()
    copied = tmp_path / "copy"
    copied.mkdir()
    for name in ("grok2api.db", "secret.key"):
        (copied / name).write_bytes((tmp_path / name).read_bytes())
    for place, same in ((tmp_path, True), (copied, False)):
        again, _ = await open_store("", place, {})
        assert (await installation(again) == mine) is same
        await again.close()
