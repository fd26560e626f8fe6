"""What lies on the disk."""

from pathlib import Path

from grok2api.accounts.model import Kind, new_account
from grok2api.catalog import Tier
from grok2api.storage.opening import store_for

MARK = "MARKED-SECRET-5f2b"


async def test_Z2_no_credential_is_in_any_file_in_clear(tmp_path: Path) -> None:
    store = await store_for("", tmp_path, {})
    await store.add([new_account(f"acc_{n}", f"{MARK}-{n}", Kind.WEB, Tier.BASIC, float(n)) for n in range(20)])
    while_open = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    await store.close()
    closed = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"acc_7" in while_open + closed
    assert MARK.encode() not in while_open
    assert MARK.encode() not in closed
