"""The layers of the configuration: who wins, and what is said of a value that is refused."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies

from grok2api.config.errors import SettingsError
from grok2api.config.load import load, survey
from grok2api.config.settings import Settings
from grok2api.config.table import BY_KEY, SETTINGS, build, secret_values, value_of


def refused(tmp_path: Path, toml: str = "", environ: dict[str, str] | None = None, **overrides: object) -> str:
    (tmp_path / "config.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load(None, tmp_path, {key.replace("__", "."): value for key, value in overrides.items()}, environ or {})
    assert all("\n" not in problem for problem in caught.value.problems)
    return "\n".join(caught.value.problems)


def test_nothing_given_means_the_defaults(tmp_path):
    found = survey(None, tmp_path, {}, {})
    assert found.settings.stream.keepalive_sec == 15
    assert found.settings.retry.on_codes == (429, 401, 503)
    assert found.settings.app.app_key == ""
    assert found.settings.video.timeout == 600
    assert found.warnings == ()
    changed = {row.key for row in SETTINGS if value_of(found.settings, row.key) != row.default}
    assert changed == {"upstream.web.ws_url", "storage.url"}
    assert {key for key, origin in found.origins.items() if origin == "derived"} == changed


def test_each_layer_wins_over_the_one_before(tmp_path):
    (tmp_path / "config.toml").write_text("[server]\nport = 1001\nhost = '127.0.0.1'\nmax_body_mb = 3\n")
    environ = {"GROK2API_SERVER__PORT": "1002", "GROK2API_SERVER__HOST": "::1"}
    found = survey(None, tmp_path, {"server.port": 1003}, environ)
    assert (found.settings.server.port, found.settings.server.host, found.settings.server.max_body_mb) == (
        1003,
        "::1",
        3,
    )
    assert found.origins["server.port"] == "command line"
    assert found.origins["server.host"] == "environment GROK2API_SERVER__HOST"
    assert found.origins["server.max_body_mb"] == str(tmp_path / "config.toml")
    assert found.origins["server.drain_sec"] == "default"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("features.stream", "off", False),
        ("features.stream", "True", True),
        ("server.port", " 8080 ", 8080),
        ("stream.keepalive_sec", "0.5", 0.5),
        ("stream.first_byte_hold_sec", "0", 0.0),
        ("retry.on_codes", "429,401, 503,429", (429, 401, 503)),
        ("retry.on_codes", "[500]", (500,)),
        ("retry.on_codes", "502", (502,)),
        ("app.api_key", "a, b,,c", ("a", "b", "c")),
        ("app.api_key", '["a","b"]', ("a", "b")),
        ("logging.level", "debug", "DEBUG"),
        ("upstream.web.base_url", "http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("upstream.headers", '{"x-statsig-id": "abc"}', {"x-statsig-id": "abc"}),
        ("aliases", '{"claude-*": "grok-4.20-fast"}', {"claude-*": "grok-4.20-fast"}),
        ("account.selection.prefer_tags", '{"grok-4.20-*": "vip"}', {"grok-4.20-*": "vip"}),
        ("features.custom_instruction", "one\ntwo", "one\ntwo"),
        ("proxy.clearance.user_agent", "Mozilla/5.0 \u2013 \u201cX\u201d\u200b", 'Mozilla/5.0 - "X"'),
    ],
)
def test_a_variable_is_read_as_what_the_setting_is(tmp_path, key, text, value):
    found = load(None, tmp_path, {}, {BY_KEY[key].variable: text})
    assert value_of(found, key) == value


@pytest.mark.parametrize(
    ("key", "toml", "value"),
    [
        ("app.api_key", '[app]\napi_key = "a,b"', ("a", "b")),
        ("app.api_key", '[app]\napi_key = ["a", "b"]', ("a", "b")),
        ("retry.on_codes", '[retry]\non_codes = "429,503"', (429, 503)),
        ("retry.on_codes", "[retry]\non_codes = [429]", (429,)),
        ("retry.on_codes", "[retry]\non_codes = []", ()),
        ("stream.keepalive_sec", "stream.keepalive_sec = 3", 3.0),
        ("aliases", '[aliases]\n"gpt-*" = "grok-4.20-fast"', {"gpt-*": "grok-4.20-fast"}),
        ("upstream.headers", '[upstream.headers]\nx-a = "1"', {"x-a": "1"}),
    ],
)
def test_the_file_is_read_as_what_the_setting_is(tmp_path, key, toml, value):
    (tmp_path / "config.toml").write_text(toml)
    assert value_of(load(None, tmp_path, {}, {}), key) == value


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[stream]\nkeepalive = 3", ["stream.keepalive is not a setting", "stream.keepalive_sec?", "config.toml"]),
        ("server = 3", ["server is a section", "server.host"]),
        ("[server]\nport = 'x'", ["server.port must be a whole number from 0 to 65535, not 'x'", "config.toml"]),
        ("[server]\nport = true", ["server.port must be a whole number"]),
        ("[server]\nport = -1", ["from 0 to 65535"]),
        ("[stream]\nkeepalive_sec = nan", ["stream.keepalive_sec must be a number"]),
        (f"[account]\nmax_rest_sec = 1{'0' * 400}", ["account.max_rest_sec must be a number"]),
        (f"[logging]\nmax_files = 1{'0' * 30}", ["logging.max_files must be a whole number"]),
        ("[account]\nmax_rest_sec = inf", ["account.max_rest_sec must be a number"]),
        ("[features]\nstream = 1", ["features.stream must be true or false, not 1"]),
        ("[account]\nstrategy = 'best'", ["account.strategy must be one of quota, random, not 'best'"]),
        ("[account]\nmax_rest_sec = 0", ["account.max_rest_sec must be a number of at least 1"]),
        ("[retry]\non_codes = [99]", ["retry.on_codes must be a whole number from 100 to 599"]),
        ("[upstream.web]\nbase_url = 'grok.com'", ["upstream.web.base_url must be a URL", "https://"]),
        ("[server]\ncors_origins = ['https://a.example/x']", ["server.cors_origins must be", "no path"]),
        ("[server]\ncors_origins = ['null']", ["server.cors_origins must be"]),
        ("[server]\ncors_origins = 'chat.example'", ["server.cors_origins must be"]),
        ("[server]\ncors_origins = 'https://a@b.example'", ["server.cors_origins must be"]),
        ("[upstream.web]\nbase_url = ''", ["upstream.web.base_url must not be empty"]),
        ("[proxy.egress]\nmode = 'single_proxy'", ["proxy.egress.proxy_url must name the proxy"]),
        ("[storage]\nurl = 'oracle://u:pass123@db/x'", ["storage.url must be sqlite:///", "postgresql"]),
        ("[storage]\nurl = 'postgresql://u:pass123@db'", ["storage.url must be sqlite:///", "/database"]),
        ("[storage]\nurl = 'mysql://u:pass123#@db/x'", ["storage.url", "percent-encoded"]),
        ("[server]\nworkers = 2", ["--workers 2 (server.workers) needs coordination.url", "Redis or Valkey"]),
        ("[aliases]\n'gpt-*' = 'grok-4.20-fats'", ["'gpt-*'", "no served model", "grok-4.20-fast"]),
        ("[aliases]\n'gpt-*' = 3", ["aliases must be a table of names and texts"]),
        (
            "[account.selection.prefer_tags]\n'grok-4.20-hevy' = 'x'\n'*' = ''",
            ["'grok-4.20-hevy' is no model and no pattern", "grok-4.20-heavy", "'*' has no tag"],
        ),
        ("[app]\napp_key = 'grok2api'", ["app.app_key is the well-known default"]),
        ("[upstream.headers]\nCookie = 'a=b'", ["must not name the header cookie", "proxy.clearance.cf_cookies"]),
        ("[server\nport = 1", ["config.toml is not valid TOML", "line 1"]),
    ],
)
def test_O3_a_bad_file_names_the_key_what_is_allowed_and_the_file(tmp_path, toml, words):
    said = refused(tmp_path, toml)
    assert [word for word in words if word not in said] == []
    assert "pass123" not in said


def test_an_unknown_variable_is_refused_with_the_nearest(tmp_path):
    said = refused(tmp_path, environ={"GROK2API_APP_API_KEY": "hidden-value"})
    assert (
        said == "app_api_key is not a setting; did you mean GROK2API_APP__API_KEY? (environment GROK2API_APP_API_KEY)"
    )


@pytest.mark.parametrize(
    "name",
    [f"GROK2API_{name}" for name in ("DATA_DIR", "SECRET_KEY", "PORT", "SERVICE_HOST", "PORT_8000_TCP_ADDR")],
)
def test_variables_that_are_not_settings_are_left_alone(tmp_path, name):
    assert survey(None, tmp_path, {}, {name: "tcp://10.0.0.1:8000"}).warnings == ()


def test_an_empty_variable_counts_as_absent(tmp_path):
    assert load(None, tmp_path, {}, {"GROK2API_SERVER__PORT": ""}).server.port == 8000


def test_every_problem_is_told_at_once(tmp_path):
    said = refused(tmp_path, "[server]\nport = -1\n[stream]\nx = 1", {"GROK2API_FEATURES__STREAM": "maybe"})
    assert len(said.splitlines()) == 3


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("proxy.clearance.cf_cookies", "cf_clearance=MARKED\r\nHost: x"),
        ("proxy.clearance.cf_cookies", "cf_clearance=MARKED\u4e2d"),
        ("proxy.clearance.user_agent", "MARKED\x00"),
        ("upstream.headers", '{"x-a": "MARKED\\n"}'),
        ("upstream.headers", '{"x a": "MARKED"}'),
        ("upstream.headers", '{"x-a": 3, "b": "MARKED"}'),
        ("upstream.headers", '{"x-a": "MARKED'),
        ("app.api_key", "MARKED\x07"),
        ("app.app_key", "two MARKED words"),
        ("proxy.egress.proxy_url", "ftp://user:MARKED@host"),
        ("proxy.egress.proxy_url", "http://user:MARKED@[::1"),
        ("proxy.egress.proxy_pool", "http://ok:1,http://user:MARKED@host:x"),
    ],
)
def test_Z2_a_bad_secret_is_refused_without_being_repeated(tmp_path, key, text):
    said = refused(tmp_path, environ={BY_KEY[key].variable: text})
    assert key in said
    assert "MARKED" not in said


def test_Z2_settings_never_print_a_secret(tmp_path):
    found = survey(None, tmp_path, {"app.app_key": "MARKED-KEY", "app.api_key": "MARKED-KEY"}, {})
    assert "MARKED" not in f"{found!r} {found.settings!r} {found.settings.app!r}"


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("sqlite:////var/lib/x.db", set()),
        ("postgresql://u:p%40ss-word@db:5432/x?sslmode=require", {"p@ss-word"}),
        ("mysql://u:pass-word@[::1]/x", {"pass-word"}),
        ("mariadb:///x?unix_socket=/run/mysqld.sock", set()),
    ],
)
def test_D5_the_password_of_the_store_is_a_secret_and_the_name_of_a_file_is_none(tmp_path, url, hidden):
    found = load(None, tmp_path, {"storage.url": url}, {})
    assert found.storage.url == url
    assert set(secret_values(found)) - {""} == hidden | ({url} if "sqlite" not in url else set())


def test_an_older_configuration_without_refresh_means_random(tmp_path):
    off = {"account.refresh.enabled": "false"}
    assert load(None, tmp_path, off, {}).account.strategy == "random"
    assert load(None, tmp_path, off | {"account.strategy": "quota"}, {}).account.strategy == "quota"
    assert load(None, tmp_path, {}, {}).account.strategy == "quota"


def test_addresses_follow_from_others(tmp_path):
    found = load(None, tmp_path, {"upstream.web.base_url": "http://127.0.0.1:9000"}, {})
    assert found.upstream.web.ws_url == "ws://127.0.0.1:9000"
    assert found.storage.url == f"sqlite:///{tmp_path}/grok2api.db"


def test_a_reserved_setting_is_accepted_with_a_warning(tmp_path):
    found = survey(None, tmp_path, {"logging.max_files": "3"}, {})
    assert found.settings.logging.max_files == 3
    assert found.warnings == ("logging.max_files (command line) has no effect in this version",)
    assert survey(None, tmp_path, {"logging.max_files": "7"}, {}).warnings == ()


def test_a_file_that_is_named_must_exist(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.toml does not exist \(--config\)"):
        load(tmp_path / "none.toml", tmp_path, {}, {})


def test_an_unreadable_file_is_one_line(tmp_path):
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        load(None, tmp_path, {}, {})
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8"):
        load(tmp_path / "binary.toml", tmp_path, {}, {})


def test_the_table_and_the_tree_are_one():
    defaults = Settings()
    assert len(BY_KEY) == len(SETTINGS) > 80
    assert all(value_of(defaults, row.key) == row.default for row in SETTINGS)
    assert build({row.key: row.default for row in SETTINGS}) == defaults
    assert all(row.about.help.endswith(".") for row in SETTINGS)


@settings(max_examples=60, deadline=None)
@given(
    key=strategies.sampled_from([row.key for row in SETTINGS]),
    text=strategies.text(strategies.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1),
)
def test_any_text_in_any_variable_is_a_value_or_one_clear_line(key, text):
    row = BY_KEY[key]
    problems = ()
    try:
        load(None, Path("/nonexistent"), {}, {row.variable: text})
    except SettingsError as error:
        problems = error.problems
    assert all("\n" not in problem and key.partition(".")[0] in problem for problem in problems)


def test_origins_are_kept_as_browsers_write_them(tmp_path):
    written = "https://Chat.example/, http://a.example:80,https://b.example:443,http://c.example:8080,app://obsidian.md"
    environ = {"GROK2API_SERVER__CORS_ORIGINS": written}
    assert load(None, tmp_path, {}, environ).server.cors_origins == (
        "https://chat.example",
        "http://a.example",
        "https://b.example",
        "http://c.example:8080",
        "app://obsidian.md",
    )
    assert load(None, tmp_path, {"server.cors_origins": "*"}, {}).server.cors_origins == ("*",)
