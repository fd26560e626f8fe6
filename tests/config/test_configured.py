"""Changing the configuration of a running gateway: all of it or nothing, in memory and in the file (O2)."""

import os
from pathlib import Path
from typing import Any

import pytest

from grok2api.config import edit
from grok2api.config.configured import Configured
from grok2api.config.errors import SettingsError
from grok2api.config.live import Live
from grok2api.config.load import Layers
from grok2api.config.settings import Settings

TEXT = "# patience\n[stream]\nkeepalive_sec = 3  # short\n"


def configured(data_dir: Path, text: str | None = TEXT, **environ: str) -> Configured:
    layers = Layers(None, data_dir, {"server.port": 9}, environ)
    if text is not None:
        layers.path.write_text(text)
    loaded = layers.survey()
    return Configured(Live(loaded.settings), layers, loaded, lambda: edit)


def touched(path: Path, text: str, mtime: int) -> None:
    path.write_text(text)
    os.utime(path, ns=(mtime, mtime))


async def test_a_change_is_in_force_and_in_the_file_with_its_comments(tmp_path: Path) -> None:
    found = configured(tmp_path)
    told: list[Settings] = []
    found.live.subscribe(told.append)
    changed = await found.change({"stream.keepalive_sec": 5, "features.stream": False})
    assert (changed.keys, changed.waiting) == (("features.stream", "stream.keepalive_sec"), ())
    assert found.live.current.stream.keepalive_sec == 5
    assert told == [found.live.current]
    assert found.path.read_text() == TEXT.replace("= 3", "= 5") + "\n[features]\nstream = false\n"
    assert found.loaded.origins["features.stream"] == str(found.path)


async def test_none_brings_the_default_back(tmp_path: Path) -> None:
    found = configured(tmp_path)
    await found.change({"stream.keepalive_sec": None, "features.stream": None})
    assert found.live.current.stream.keepalive_sec == 15
    assert "keepalive_sec" not in found.path.read_text()


async def test_O2_a_subscriber_that_objects_leaves_memory_and_file_as_they_were(tmp_path: Path) -> None:
    found = configured(tmp_path)
    old = found.live.current

    def object_to(settings: Settings) -> None:
        if settings.stream.keepalive_sec == 5:
            raise SettingsError(["stream.keepalive_sec is not liked"])

    found.live.subscribe(object_to)
    with pytest.raises(SettingsError, match="not liked"):
        await found.change({"stream.keepalive_sec": 5})
    assert found.live.current is old
    assert found.path.read_text() == TEXT
    await found.change({"stream.keepalive_sec": 6})
    assert found.live.current.stream.keepalive_sec == 6


async def test_O2_a_file_that_cannot_be_written_leaves_the_old_in_force(tmp_path: Path) -> None:
    class Full:
        edited = staticmethod(edit.edited)

        @staticmethod
        def write(path: Path, text: str) -> None:
            raise SettingsError([f"{path} cannot be written: the disk is full"])

    found = configured(tmp_path)
    old = found.live.current
    broken = Configured(found.live, Layers(None, tmp_path), found.loaded, lambda: Full)
    with pytest.raises(SettingsError, match="the disk is full"):
        await broken.change({"stream.keepalive_sec": 5})
    assert broken.live.current == old
    assert broken.loaded is found.loaded


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"stream.keepalive": 5}, "stream.keepalive_sec"),
        ({"stream.keepalive_sec": "soon"}, "stream.keepalive_sec"),
        ({"proxy.egress.mode": "single_proxy"}, "proxy.egress.proxy_url"),
        ({"features.stream": False, "stream.keepalive_sec": -1}, "stream.keepalive_sec"),
    ],
)
async def test_O2_what_is_not_allowed_is_refused_as_a_whole(tmp_path: Path, changes: Any, word: str) -> None:
    found = configured(tmp_path)
    old = found.live.current
    with pytest.raises(SettingsError, match=word):
        await found.change(changes)
    assert found.live.current is old
    assert found.path.read_text() == TEXT


async def test_higher_layers_go_on_winning(tmp_path: Path) -> None:
    found = configured(tmp_path, GROK2API_STREAM__KEEPALIVE_SEC="7")
    changed = await found.change({"stream.keepalive_sec": 5})
    assert changed.keys == ()
    assert found.live.current.stream.keepalive_sec == 7


async def test_what_is_read_at_the_start_waits_for_it(tmp_path: Path) -> None:
    found = configured(tmp_path, None)
    changed = await found.change({"storage.url": "sqlite:///other.db"})
    assert (changed.keys, changed.waiting) == ((), ("storage.url",))
    assert found.live.current.storage.url.endswith("grok2api.db")


async def test_a_file_that_was_changed_by_hand_is_taken_over_once(tmp_path: Path) -> None:
    found = configured(tmp_path)
    told: list[Settings] = []
    found.live.subscribe(told.append)
    await found.look()
    assert told == []
    touched(found.path, TEXT.replace("= 3", "= 4"), 1)
    await found.look()
    await found.look()
    assert [settings.stream.keepalive_sec for settings in told] == [4]


async def test_O2_a_broken_file_is_refused_and_the_next_good_one_taken(tmp_path: Path) -> None:
    found = configured(tmp_path)
    old = found.live.current
    touched(found.path, "[stream]\nkeepalive_sec = 'x'\n", 1)
    await found.look()
    assert found.live.current is old
    touched(found.path, "[stream]\nkeepalive_sec = 8\n", 2)
    await found.look()
    assert found.live.current.stream.keepalive_sec == 8


async def test_a_file_that_appears_or_goes_is_noticed(tmp_path: Path) -> None:
    found = configured(tmp_path, None)
    touched(found.path, TEXT, 1)
    await found.look()
    assert found.live.current.stream.keepalive_sec == 3
    found.path.unlink()
    await found.look()
    assert found.live.current.stream.keepalive_sec == 15


async def test_a_change_is_not_taken_for_one_by_hand(tmp_path: Path) -> None:
    found = configured(tmp_path)
    await found.change({"stream.keepalive_sec": 5})
    told: list[Settings] = []
    found.live.subscribe(told.append)
    await found.look()
    assert told == []


async def test_a_change_counts_with_what_was_written_by_hand_before_it(tmp_path: Path) -> None:
    found = configured(tmp_path)
    found.path.write_text(f"{TEXT}\n[features]\nstream = false\n")
    await found.change({"stream.keepalive_sec": 5})
    assert not found.live.current.features.stream
    assert found.live.current.stream.keepalive_sec == 5
