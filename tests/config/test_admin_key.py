"""The admin key: never a default one, kept for its owner only."""

import stat

import msgspec
import pytest

from grok2api.config.admin_key import ensure_admin_key
from grok2api.config.errors import SettingsError
from grok2api.config.settings import App, Settings


def test_Z1_a_first_start_makes_a_random_key_and_later_ones_keep_it(tmp_path):
    key, created = ensure_admin_key(Settings(), tmp_path / "data")
    assert created
    assert len(key) >= 32
    path = tmp_path / "data" / "admin.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert ensure_admin_key(Settings(), tmp_path / "data") == (key, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_admin_key(Settings(), tmp_path / "other")[0] != key


def test_a_configured_key_is_used_and_nothing_is_written(tmp_path):
    settings = msgspec.structs.replace(Settings(), app=App(app_key="mine"))
    assert ensure_admin_key(settings, tmp_path) == ("mine", False)
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_key_file_is_one_line(tmp_path):
    (tmp_path / "admin.key").write_text("short")
    with pytest.raises(SettingsError, match="holds no usable key"):
        ensure_admin_key(Settings(), tmp_path)


def test_O3_an_unusable_data_directory_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="choose another --data-dir"):
        ensure_admin_key(Settings(), tmp_path / "file" / "data")
