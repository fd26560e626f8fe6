"""Changing the store's key: everything opens with the new one, and at every moment one key or the other fits."""

import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from grok2api.accounts.model import Account, Kind, new_account
from grok2api.accounts.query import Note
from grok2api.catalog import Tier
from grok2api.storage import keys, rotation
from grok2api.storage.accounts import AccountStore
from grok2api.storage.errors import StoreError
from grok2api.storage.opening import store_for
from grok2api.storage.rotation import rotate_key
from grok2api.storage.write_behind import Served

SIZE = 1100
PHRASE = {"GROK2API_SECRET_KEY": "a phrase of many characters"}
OTHER = {"GROK2API_NEW_SECRET_KEY": "another phrase of many characters"}

NOTE = Note(action="credential", actor="admin", at=1000.0)


def account(number: int) -> Account:
    return new_account(f"acc_{number}", f"secret-{number}", Kind.WEB, Tier.BASIC, float(number))


async def filled(url: str, data: Path, environ: dict[str, str]) -> None:
    """A store with changed credentials, one that was given up, and one that was removed."""
    store = await store_for(url, data, environ)
    await store.add([account(number) for number in range(SIZE)])
    await store.change(
        [f"acc_{number}" for number in range(600)],
        lambda one: msgspec.structs.replace(one, secret=f"{one.secret}-new"),
        NOTE,
    )
    await store.remove(["acc_700", "acc_701"], NOTE)
    await store.change(["acc_702"], lambda one: msgspec.structs.replace(one, secret="secret-700"), NOTE)
    await store.close()


async def check(url: str, data: Path, environ: dict[str, str]) -> None:
    """Everything is there, is found, and can still be undone."""
    store = await store_for(url, data, environ)
    try:
        found = {one.id: one.secret for one in await store.load()}
        assert len(found) == SIZE - 2
        assert (found["acc_0"], found["acc_702"], found["acc_1099"]) == ("secret-0-new", "secret-700", "secret-1099")
        assert await store.find(["secret-5-new", "secret-700"]) == {"secret-5-new": "acc_5", "secret-700": "acc_702"}
        assert (await store.add([account(1099)])).known == ("acc_1099",)
    finally:
        await store.close()


async def test_D5_the_key_in_the_file_is_changed(url: str, tmp_path: Path) -> None:
    await filled(url, tmp_path, {})
    before = (tmp_path / "secret.key").read_text()
    done = await rotate_key(url, tmp_path, {})
    assert (done.count, done.file) == (SIZE, tmp_path / "secret.key")
    assert (tmp_path / "secret.key").read_text() != before
    assert (tmp_path / "secret.key.old").read_text() == before
    assert not (tmp_path / "secret.key.new").exists()
    for name in ("secret.key", "secret.key.old"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    await check(url, tmp_path, {})
    (tmp_path / "secret.key.old").replace(tmp_path / "secret.key")
    with pytest.raises(StoreError, match="does not fit"):
        await store_for(url, tmp_path, {})


async def test_what_the_audit_keeps_is_sealed_anew(url: str, tmp_path: Path) -> None:
    await filled(url, tmp_path, {})
    await rotate_key(url, tmp_path, {})
    store = await store_for(url, tmp_path, {})
    given, removed, changed = await store.changes(3)
    assert (await store.undo(changed.id, NOTE)).count == 600
    assert [one.secret for one in await store.get(["acc_0", "acc_599"])] == ["secret-0", "secret-599"]
    assert (await store.undo(given.id, NOTE)).count == 1
    assert (await store.undo(removed.id, NOTE)).count == 2
    assert await store.find(["secret-700"]) == {"secret-700": "acc_700"}
    await store.close()


async def test_D5_the_key_in_the_environment_is_changed(url: str, tmp_path: Path) -> None:
    await filled(url, tmp_path, PHRASE)
    with pytest.raises(StoreError, match="GROK2API_NEW_SECRET_KEY"):
        await rotate_key(url, tmp_path, PHRASE)
    with pytest.raises(StoreError, match="shorter than"):
        await rotate_key(url, tmp_path, PHRASE | {"GROK2API_NEW_SECRET_KEY": "short"})
    await check(url, tmp_path, PHRASE)
    done = await rotate_key(url, tmp_path, PHRASE | OTHER)
    assert done.file is None
    await check(url, tmp_path, {"GROK2API_SECRET_KEY": OTHER["GROK2API_NEW_SECRET_KEY"]})
    with pytest.raises(StoreError, match="does not fit"):
        await store_for(url, tmp_path, PHRASE)


async def test_the_key_moves_from_the_file_to_the_environment(url: str, tmp_path: Path) -> None:
    await filled(url, tmp_path, {})
    await rotate_key(url, tmp_path, OTHER)
    assert [path.name for path in tmp_path.glob("secret.key*")] == ["secret.key.old"]
    await check(url, tmp_path, {"GROK2API_SECRET_KEY": OTHER["GROK2API_NEW_SECRET_KEY"]})


class Killed(BaseException):
    """Stands for SIGKILL: nobody catches it."""


def killed(*_: object, **__: object) -> None:
    raise Killed


def after(function: Callable[..., object], calls: int = 1) -> Callable[..., object]:
    """`function` so many times, and then the end."""
    left = [calls]

    def limited(*args: object, **named: object) -> object:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return function(*args, **named)

    return limited


#: Where the change of keys is interrupted.
POINTS = {
    "before the new key is written": (keys, "_write", killed),
    "when it is written and nothing sealed": (rotation, "_reseal", killed),
    "when some accounts are sealed": (rotation, "update_rows", after(rotation.update_rows)),
    "when all accounts are sealed": (rotation, "_reseal_audit", killed),
    "when the store is sealed": (keys, "promote", killed),
    "when the old key is kept": (keys, "_keep_former", after(keys._keep_former, 0)),
    "when the new key has its place": (keys, "_sync", after(keys._sync)),
}


@pytest.mark.parametrize("point", POINTS)
async def test_D5_whenever_it_is_interrupted_a_key_fits(
    url: str, tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(url, tmp_path, {})
    with monkeypatch.context() as broken:
        broken.setattr(*POINTS[point])
        with pytest.raises(Killed):
            await rotate_key(url, tmp_path, {})
    await check(url, tmp_path, {})
    await rotate_key(url, tmp_path, {})
    await check(url, tmp_path, {})
    assert not (tmp_path / "secret.key.new").exists()


async def test_a_gateway_with_the_former_key_goes_on_and_spoils_nothing(
    store: AccountStore, url: str, tmp_path: Path
) -> None:
    await store.add([account(1)])
    revision = await store.revision()
    (served,) = await store.load()
    await rotate_key(url, tmp_path, {})
    await store.write_runtime([Served(served, uses=7)])
    with pytest.raises(StoreError, match="has another key since this process was started"):
        await store.add([account(2)])
    with pytest.raises(StoreError, match="has another key"):
        await store.remove(["acc_1"])
    other = await store_for(url, tmp_path, {})
    await other.add([account(3)])
    with pytest.raises(StoreError, match="cannot be decrypted"):
        await store.load(since=revision)
    assert [(one.id, one.use_count) for one in await other.load()] == [("acc_1", 7), ("acc_3", 0)]
    await other.close()
