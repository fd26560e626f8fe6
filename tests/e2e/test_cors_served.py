"""Pages of other origins, over HTTP: preflights, answers of every route, a change of the setting."""

from pathlib import Path

import pytest

from rig import Rig, rigged

PAGE = "https://chat.example"
ALLOW = "access-control-allow-origin"
ASK = {"origin": PAGE, "access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
BODY = {"model": "grok-4.3-fast", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 50}


async def call(rig: Rig, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, str]]:
    named = {"origin": PAGE} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with rig.http.request(method, rig.url + path, json=body, headers=named) as answer:
        await answer.read()
        names = [name.lower() for name in answer.headers]
        assert [name for name in names if name.startswith("access-control-") and names.count(name) > 1] == []
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses/resp_1", "/v1/models", "/health", "/meta"])
async def test_a_preflight_needs_no_key(tmp_path: Path, path: str) -> None:
    async with rigged(tmp_path, settings={"server.cors_origins": [PAGE], "app.api_key": "k"}) as rig:
        async with rig.http.options(rig.url + path, headers=ASK) as answer:
            assert (answer.status, await answer.read()) == (204, b"")
            assert answer.headers[ALLOW] == PAGE
            assert answer.headers["access-control-allow-headers"] == "x-api-key"
            assert answer.headers["x-request-id"].startswith("req_")
            assert "content-type" not in answer.headers
        async with rig.http.options(rig.url + path, headers={**ASK, "origin": "https://other.example"}) as answer:
            assert answer.status in (401, 405)
            assert ALLOW not in answer.headers


async def test_answers_of_every_route_are_marked(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"server.cors_origins": [PAGE], "app.api_key": "k"}) as rig:
        key = {"x_api_key": "k"}
        for status, method, path, body, headers in (
            (200, "POST", "/v1/messages", BODY, key),
            (200, "POST", "/v1/chat/completions", BODY | {"stream": True}, key),
            (401, "POST", "/v1/messages", BODY, {}),
            (400, "POST", "/v1/messages", {"model": 1}, key),
            (405, "GET", "/v1/messages", None, key),
            (200, "GET", "/v1/models", None, key),
            (401, "GET", "/v1/models", None, {}),
            (404, "GET", "/v1/nothing", None, key),
            (404, "GET", "/v1/files/image?id=0123456789abcdef", None, {}),
            (200, "GET", "/health", None, {}),
        ):
            found, got = await call(rig, method, path, body, **headers)
            assert (found, got.get(ALLOW), got.get("vary")) == (status, PAGE, "Origin"), path
            assert "x-grok2api-model" in got["access-control-expose-headers"]
        for origin, path in ((PAGE, "/admin/api/status"), (PAGE, "/"), ("https://other.example", "/v1/models")):
            _, got = await call(rig, "GET", path, origin=origin, **key)
            assert [name for name in got if name.startswith("access-control-")] == []


async def test_the_setting_is_followed_at_once(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        status, got = await call(rig, "OPTIONS", "/v1/models", access_control_request_method="GET")
        assert status == 405
        assert [name for name in got if name.startswith("access-control-") or name == "vary"] == []
        assert (await rig.admin("POST", "/config", {"server": {"cors_origins": ["*"]}}))[0] == 200
        status, got = await call(rig, "OPTIONS", "/v1/models", access_control_request_method="GET")
        assert (status, got[ALLOW], "vary" in got) == (204, "*", False)
