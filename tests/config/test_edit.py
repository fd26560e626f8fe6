"""Changing the file: what stays, what is refused, and who may read it."""

import stat

import pytest

from grok2api.config.edit import set_value, set_values
from grok2api.config.errors import SettingsError
from grok2api.config.load import load
from grok2api.config.table import SETTINGS, value_of

COMMENTED = """\
# who may come in
[app]
api_key = "a"  # the laptop

# patience
[stream]
keepalive_sec = 3
"""


def test_comments_and_order_stay(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(COMMENTED)
    set_value(path, "stream.keepalive_sec", "5")
    assert path.read_text() == COMMENTED.replace("= 3", "= 5")


def test_a_new_file_has_the_section_and_is_for_its_owner_only(tmp_path):
    path = tmp_path / "deep" / "config.toml"
    set_value(path, "upstream.web.base_url", "http://127.0.0.1:9000")
    assert path.read_text() == '[upstream.web]\nbase_url = "http://127.0.0.1:9000"\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.key)
def test_what_is_written_is_what_is_read(tmp_path, row):
    path = tmp_path / "config.toml"
    value = {"storage.url": "sqlite:///x.db", "upstream.web.ws_url": "ws://x"}.get(row.key, row.default)
    set_value(path, row.key, value)
    assert value_of(load(None, tmp_path, {}, {}), row.key) == value


def test_lists_and_tables_are_written_as_such(tmp_path):
    path = tmp_path / "config.toml"
    set_values(path, {"app.api_key": "a,b", "retry.on_codes": "429,503", "aliases": '{"gpt-*": "grok-4.20-fast"}'})
    found = load(None, tmp_path, {}, {})
    assert (found.app.api_key, found.retry.on_codes) == (("a", "b"), (429, 503))
    assert found.aliases == {"gpt-*": "grok-4.20-fast"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"server.port": "x"}, "server.port must be a whole number"),
        ({"server.prt": "1"}, "did you mean server.port"),
        ({"server.workers": "2"}, "coordination.url"),
        ({"stream.keepalive_sec": "4", "server.port": "x"}, "server.port"),
    ],
)
def test_O2_a_change_that_would_be_refused_is_not_written(tmp_path, changes, words):
    path = tmp_path / "config.toml"
    path.write_text(COMMENTED)
    with pytest.raises(SettingsError, match=words):
        set_values(path, changes)
    assert path.read_text() == COMMENTED
    assert [item.name for item in tmp_path.iterdir()] == ["config.toml"]


def test_a_broken_file_is_not_touched(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[app\n")
    with pytest.raises(SettingsError, match="not valid TOML"):
        set_value(path, "server.port", "1")
    assert path.read_text() == "[app\n"


def test_a_name_that_is_no_table_is_one_line(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("server = 3\n")
    with pytest.raises(SettingsError, match="server is not a table"):
        set_value(path, "server.port", "1")
