"""`/admin/api/config`: what is shown, what may be changed, and what a refusal leaves as it was."""

from pathlib import Path
from typing import Any

import pytest

from admin_calls import KEY, administration
from grok2api.config.errors import SettingsError
from grok2api.config.masking import MASK
from grok2api.config.settings import Settings
from grok2api.config.table import SETTINGS

FILE = f"""\
# who may come in
[app]
app_key = "{KEY}"
api_key = ["first-client-key", "second-client-key"]  # the laptops

[proxy.clearance]
cf_cookies = "cf_clearance=marked-cookie-value"

[upstream.headers]
x-statsig-id = "marked-header-value"
"""

SECRETS = (KEY, "first-client-key", "second-client-key", "marked-cookie-value", "marked-header-value")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(FILE)
    return tmp_path


async def test_the_whole_tree_is_shown_without_secrets(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        answer = await admin.get("/config")
        tree = answer.json
        assert not any(secret in answer.body.decode() for secret in SECRETS)
    assert tree["app"]["app_key"] == MASK
    assert tree["app"]["api_key"] == [MASK, MASK]
    assert tree["upstream"]["headers"] == {"x-statsig-id": MASK}
    assert tree["app"]["webui_key"] == ""
    assert (tree["stream"]["keepalive_sec"], tree["features"]["stream"], tree["aliases"]) == (15, True, {})
    for row in SETTINGS:
        branch: Any = tree
        for name in row.key.split("."):
            branch = branch[name]


async def test_the_schema_says_what_a_form_must_know(data_dir: Path) -> None:
    async with administration(data_dir, environ={"GROK2API_FEATURES__STREAM": "false"}) as admin:
        answer = (await admin.get("/config/schema")).json
    fields = {field["key"]: field for field in answer["fields"]}
    assert list(fields) == [row.key for row in SETTINGS]
    assert answer["mask"] == MASK
    assert answer["sections"]["stream"]
    assert fields["account.strategy"]["choices"] == ["quota", "random"]
    assert (fields["server.max_body_mb"]["low"], fields["server.max_body_mb"]["high"]) == (1, 4096)
    assert fields["app.api_key"]["secret"]
    assert (fields["server.port"]["applies"], fields["stream.keepalive_sec"]["applies"]) == ("start", "live")
    assert fields["features.stream"]["fixed"]
    assert fields["features.stream"]["origin"] == "environment GROK2API_FEATURES__STREAM"
    assert fields["app.api_key"]["origin"] == str(data_dir / "config.toml")
    assert not any(field["pending"] for field in fields.values())
    assert "first-client-key" not in str(answer)


async def test_a_change_is_in_force_at_once_and_kept_with_comments(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        answer = await admin.post("/config", {"features": {"stream": False}, "account": {"strategy": "random"}})
        assert answer.json["status"] == "success"
        assert answer.json["selection_strategy"] == "random"
        assert answer.json["changed"] == ["features.stream", "account.strategy"]
        assert "2 settings" in answer.json["message"]
        current = admin.parts.configured.live.current
        assert (current.features.stream, current.account.strategy) == (False, "random")
    text = (data_dir / "config.toml").read_text()
    assert text.startswith(FILE)
    assert "stream = false" in text


@pytest.mark.parametrize("body", [{"stream.keepalive_sec": 5}, {"stream": {"keepalive_sec": "5"}}])
async def test_keys_may_be_dotted_and_numbers_written(data_dir: Path, body: Any) -> None:
    async with administration(data_dir) as admin:
        assert (await admin.post("/config", body)).status == 200
        assert admin.parts.configured.live.current.stream.keepalive_sec == 5


async def test_what_was_shown_can_be_sent_back_and_changes_nothing(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        answer = await admin.post("/config", (await admin.get("/config")).json)
        assert answer.json["changed"] == []
    assert (data_dir / "config.toml").read_text() == FILE


async def test_masks_leave_their_values_as_they_are(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        tree = (await admin.get("/config")).json
        tree["app"]["api_key"].append("third-client-key")
        tree["upstream"]["headers"]["x-other"] = "1"
        answer = await admin.post("/config", tree)
        assert answer.json["changed"] == ["app.api_key", "upstream.headers"]
        current = admin.parts.configured.live.current
        assert current.app.api_key == ("first-client-key", "second-client-key", "third-client-key")
        assert current.upstream.headers == {"x-statsig-id": "marked-header-value", "x-other": "1"}


async def test_null_brings_the_default_back(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        answer = await admin.post("/config", {"app": {"api_key": None}, "features": {"stream": None}})
        assert answer.json["changed"] == ["app.api_key"]
        assert admin.parts.configured.live.current.app.api_key == ()
    assert "api_key = [" not in (data_dir / "config.toml").read_text()


async def test_a_new_admin_key_counts_from_the_next_call_on(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        assert (await admin.post("/config", {"app": {"app_key": "another-admin-key"}})).status == 200
        assert (await admin.get("/verify")).status == 401
        assert (await admin.get("/verify", key="another-admin-key")).status == 200
        await admin.post("/config", {"app": {"app_key": ""}}, key="another-admin-key")
        made = (data_dir / "admin.key").read_text().strip()
        assert (await admin.get("/verify", key=made)).status == 200


async def test_a_setting_without_effect_is_accepted_and_said(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        answer = await admin.post("/config", {"features": {"thinking_summary": True, "stream": False}})
        assert [words.split()[0] for words in answer.json["warnings"]] == ["features.thinking_summary"]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"features": {"streem": True}}, 400, "invalid_config", "features.streem"),
        ({"features": 5}, 400, "invalid_config", "features"),
        ({"features": {"stream": "perhaps"}}, 400, "invalid_config", "features.stream"),
        ({"stream": {"keepalive_sec": -1}}, 400, "invalid_config", "stream.keepalive_sec"),
        ({"stream": {"keepalive_sec": 10**400}}, 400, "invalid_config", "stream.keepalive_sec"),
        ({"proxy": {"clearance": {"user_agent": "a\r\nb"}}}, 400, "invalid_config", "proxy.clearance.user_agent"),
        ({"app": {"app_key": "grok2api"}}, 400, "invalid_config", "app.app_key"),
        ({"app": {"webui_key": MASK}}, 400, "invalid_config", "app.webui_key"),
        ({"app": {"api_key": [MASK]}}, 400, "invalid_config", "app.api_key"),
        ({"proxy": {"egress": {"mode": "single_proxy"}}}, 400, "invalid_config", "proxy.egress.mode"),
        ({"aliases": {"gpt-*": "nothing"}}, 400, "invalid_config", "aliases"),
        ({"server": {"workers": 2}}, 400, "startup_only_config", "server.workers"),
        ({"storage": {"url": "sqlite:///other.db"}}, 400, "startup_only_config", "storage.url"),
        ({"account": {"storage": "redis"}}, 400, "startup_only_config", "account.storage"),
        ({"account": {"redis": {"url": "x"}}}, 400, "startup_only_config", "account.redis.url"),
        ({"features": {"thinking": True}}, 409, "overridden_config", "features.thinking"),
        ({"server": {"port": 10}}, 409, "overridden_config", "server.port"),
        (
            {"features": {"stream": False}, "stream": {"keepalive_sec": "x"}},
            400,
            "invalid_config",
            "stream.keepalive_sec",
        ),
    ],
)
async def test_O2_a_change_that_is_not_allowed_changes_nothing(
    data_dir: Path, body: Any, status: int, code: str, param: str
) -> None:
    async with administration(data_dir, environ={"GROK2API_FEATURES__THINKING": "false"}) as admin:
        before = admin.parts.configured.live.current
        answer = await admin.post("/config", body)
        assert (answer.status, answer.error["code"], answer.error["param"]) == (status, code, param)
        assert admin.parts.configured.live.current is before
    assert (data_dir / "config.toml").read_text() == FILE


@pytest.mark.parametrize(
    "body", [{"server": {"workers": 1}}, {"server": {"port": 9}}, {"features": {"thinking": False}}]
)
async def test_what_cannot_be_changed_here_may_be_named_unchanged(data_dir: Path, body: Any) -> None:
    async with administration(data_dir, environ={"GROK2API_FEATURES__THINKING": "false"}) as admin:
        assert (await admin.post("/config", body)).json["changed"] == []


async def test_O2_a_part_that_objects_leaves_memory_and_file_as_they_were(data_dir: Path) -> None:
    def object_to(settings: Settings) -> None:
        if not settings.features.stream:
            raise SettingsError(["features.stream cannot be that"])

    async with administration(data_dir) as admin:
        admin.parts.configured.live.subscribe(object_to)
        answer = await admin.post("/config", {"features": {"stream": False}, "app": {"app_key": "another-admin-key"}})
        assert (answer.error["code"], answer.error["param"]) == ("invalid_config", "features.stream")
        assert (await admin.get("/verify")).status == 200
        assert (await admin.get("/config")).json["features"]["stream"] is True
    assert (data_dir / "config.toml").read_text() == FILE


async def test_O2_a_file_that_is_broken_by_hand_is_said_and_not_overwritten(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        (data_dir / "config.toml").write_text("[app\n")
        answer = await admin.post("/config", {"features": {"stream": False}})
        assert answer.error["code"] == "invalid_config"
        assert "TOML" in answer.error["message"]
        assert admin.parts.configured.live.current.features.stream
    assert (data_dir / "config.toml").read_text() == "[app\n"


async def test_what_was_changed_by_hand_a_moment_ago_counts(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        (data_dir / "config.toml").write_text(f"{FILE}\n[stream]\nkeepalive_sec = 4\n")
        await admin.post("/config", {"features": {"stream": False}})
        current = admin.parts.configured.live.current
        assert (current.features.stream, current.stream.keepalive_sec) == (False, 4)


async def test_a_change_that_waits_for_the_next_start_is_marked(data_dir: Path) -> None:
    async with administration(data_dir) as admin:
        (data_dir / "config.toml").write_text(f"{FILE}\n[storage]\nurl = 'sqlite:///other.db'\n")
        await admin.parts.configured.look()
        fields = {field["key"]: field for field in (await admin.get("/config/schema")).json["fields"]}
        assert [key for key, field in fields.items() if field["pending"]] == ["storage.url"]
