"""Aliases, efforts behind names, and the model by header, through a whole gateway."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from asking import DIALECTS, ask
from grok2api.aliases import WELL_KNOWN
from grok2api.simulator.script import Say, Script, Think
from rig import BASIC, CHAT, MESSAGES, RESPONSES, Rig, rigged

ONE_BASIC = (("sim-basic-1", BASIC),)
ANTHROPIC = {"anthropic-version": "2023-06-01"}


async def models(rig: Rig, query: str = "", **headers: str) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with rig.http.get(f"{rig.url}/v1/models{query}", headers=named, allow_redirects=False) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_alias_is_echoed_and_the_header_says_who_served(tmp_path: Path, dialect: str) -> None:
    async with rigged(tmp_path, accounts=ONE_BASIC, settings={"aliases": {"mine": "grok-4.3-fast"}}) as rig:
        for name, served in (
            ("mine", "grok-4.3-fast"),
            ("claude-opus-5-5", "grok-4.3-console"),
            ("openai/gpt-4o-mini", "grok-4.3-console"),
            ("claude-sonnet-4-5[1m]", "grok-4.3-console"),
        ):
            status, headers, body = await rig.post(DIALECTS[dialect], ask(dialect, model=name, stream=False))
            assert status == 200
            assert headers["x-grok2api-model"] == served
            assert json.loads(body)["model"] == name


async def test_efforts_reach_the_upstream_and_those_without_effect_are_reported(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"aliases": {"quick": "grok-4.3-console-low", "set": "grok-4.3-low"}}) as rig:
        for name, asked, sent, ignored in (
            ("grok-4.3-console-xhigh", {}, "xhigh", None),
            ("grok-4.3-console-high", {"reasoning_effort": "low"}, "low", None),
            ("quick", {}, "low", None),
            ("quick-high", {}, "high", None),
            ("quick", {"reasoning_effort": "medium"}, "medium", None),
            ("set-high", {}, "low", "model.effort"),
            ("claude-opus-5-5", {}, "high", None),
            ("claude-haiku-5-5", {}, "low", None),
            ("gpt-5-medium", {}, "medium", None),
        ):
            _, headers, _ = await rig.post(CHAT, ask("chat", model=name, **asked))
            assert (name, rig.world.journal.chats[-1].body["reasoning"]) == (name, {"effort": sent})
            assert headers.get("x-grok2api-ignored") == ignored
        _, headers, _ = await rig.post(CHAT, ask("chat", model="grok-4.3-fast-high"))
        assert headers["x-grok2api-ignored"] == "model.effort"
        rig.world.on(script=Script(steps=(Think("Hmm."), Say("words"))))
        _, _, body = await rig.post(CHAT, ask("chat", model="grok-4.3-fast-none", stream=False))
        assert "reasoning_content" not in json.loads(body)["choices"][0]["message"]


async def test_a_rule_of_ours_goes_on_to_the_next_model_when_accounts_rest(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=ONE_BASIC, settings={"retry.max_retries": 0}) as rig:
        rig.world.on(endpoint="console", fault="429")
        status, _, _ = await rig.post(CHAT, ask("chat", model="claude-haiku-5-5"))
        assert status == 429
        status, headers, _ = await rig.post(CHAT, ask("chat", model="claude-haiku-5-5"))
        assert (status, headers["x-grok2api-model"]) == (200, "grok-4.3-fast")


async def test_the_built_in_rules_can_be_turned_off_and_nobody_serves_is_429(tmp_path: Path) -> None:
    async with rigged(tmp_path, settings={"features.default_aliases": False}) as rig:
        status, _, body = await rig.post(MESSAGES, ask("messages", model="claude-opus-5-5"))
        assert (status, json.loads(body)["error"]["type"]) == (404, "not_found_error")
        _, page = await models(rig, **ANTHROPIC)
        assert not any(row["id"].startswith("claude") for row in page["data"])
    async with rigged(tmp_path / "2", accounts=()) as rig:
        status, headers, _ = await rig.post(MESSAGES, ask("messages", model="claude-opus-5-5"))
        assert status == 429
        assert int(headers["retry-after"]) >= 1


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_model_by_header_comes_before_the_bodys(tmp_path: Path, dialect: str) -> None:
    async with rigged(tmp_path) as rig:
        body = ask(dialect, model="grok-4.3-fast", stream=False)
        status, headers, answer = await rig.post(DIALECTS[dialect], body, x_grok2api_model="grok-4.3-console-low")
        assert status == 200
        assert headers["x-grok2api-model"] == "grok-4.3-console"
        assert json.loads(answer)["model"] == "grok-4.3-fast"
        assert rig.world.journal.chats[-1].body["reasoning"] == {"effort": "low"}
        status, _, answer = await rig.post(
            DIALECTS[dialect], body | {"model": "no-such-name"}, x_grok2api_model="grok-4.3-fast"
        )
        assert (status, json.loads(answer)["model"]) == (200, "no-such-name")
        status, _, answer = await rig.post(DIALECTS[dialect], body, x_grok2api_model="grok-4.3-fats")
        assert status == (404 if dialect == "messages" else 400)
        assert "grok-4.3-fats" in json.loads(answer)["error"]["message"]


async def test_count_tokens_knows_aliases_and_the_header(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        path = "/v1/messages/count_tokens"
        assert (await rig.post(path, ask("messages", model="claude-haiku-5-5")))[0] == 200
        assert (await rig.post(path, ask("messages", model="nope")))[0] == 404
        assert (await rig.post(path, ask("messages", model="nope"), x_grok2api_model="grok-4.3-fast"))[0] == 200


async def test_C5_discovery_finds_names_that_begin_with_claude_at_once(tmp_path: Path) -> None:
    async with rigged(tmp_path, accounts=ONE_BASIC, settings={"aliases": {"claude-mine": "grok-4.3-fast"}}) as rig:
        started = time.monotonic()
        status, page = await models(rig, "?limit=1000", **ANTHROPIC)
        assert time.monotonic() - started < 0.3
        names = [row["id"] for row in page["data"]]
        assert status == 200
        assert (page["has_more"], page["first_id"], page["last_id"]) == (False, names[0], names[-1])
        assert {"claude-mine", *WELL_KNOWN, "grok-4.3-fast"} <= set(names)
        assert "grok-4.20-heavy" not in names
        assert all(None not in row.values() for row in page["data"])
        _, listed = await models(rig)
        ids = {row["id"] for row in listed["data"]}
        assert "claude-mine" in ids
        assert ids.isdisjoint(WELL_KNOWN)


async def test_pages_follow_the_query(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        names = [row["id"] for row in (await models(rig, **ANTHROPIC))[1]["data"]]
        _, page = await models(rig, "?limit=3", **ANTHROPIC)
        assert ([row["id"] for row in page["data"]], page["has_more"]) == (names[:3], True)
        _, page = await models(rig, f"?limit=2&after_id={names[2]}", **ANTHROPIC)
        assert [row["id"] for row in page["data"]] == names[3:5]
        _, page = await models(rig, f"?limit=2&before_id={names[2]}", **ANTHROPIC)
        assert [row["id"] for row in page["data"]] == names[:2]
        assert len((await models(rig, "?limit=99999", **ANTHROPIC))[1]["data"]) == len(names)
        assert len((await models(rig, "?limit=&after_id=", **ANTHROPIC))[1]["data"]) == len(names)
        for wrong in ("0", "-1", "many", "1.5"):
            status, body = await models(rig, f"?limit={wrong}", **ANTHROPIC)
            assert (status, body["error"]["type"]) == (400, "invalid_request_error")
        status, listed = await models(rig, "?limit=many")
        assert (status, listed["object"]) == (200, "list")


async def test_the_sdks_list_and_retrieve_models_and_aliases(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        listed = [model async for model in rig.anthropic.models.list(limit=5)]
        assert {"claude-opus-5-5", "grok-4.3-console"} <= {model.id for model in listed}
        assert {(model.type, model.lifecycle) for model in listed} == {("model", "active")}
        assert (await rig.anthropic.models.retrieve("claude-sonnet-4-5-20250929")).id == "claude-sonnet-4-5-20250929"
        assert {model.object for model in (await rig.openai.models.list()).data} == {"model"}
        assert (await rig.openai.models.retrieve("gpt-4o")).id == "gpt-4o"
        assert (await rig.openai.models.retrieve("xai/grok-4.3-console")).owned_by == "xai"
        status, body = await models(rig, "/nope", **ANTHROPIC)
        assert (status, body["error"]["type"]) == (404, "not_found_error")


async def test_names_of_other_makers_of_pictures_and_films_are_known(tmp_path: Path) -> None:
    async with rigged(tmp_path) as rig:
        status, headers, _ = await rig.post("/v1/images/generations", {"model": "dall-e-3", "prompt": "a cat"})
        assert (status, headers["x-grok2api-model"]) == (200, "grok-imagine-image")
        status, headers, body = await rig.post("/v1/videos", {"model": "sora-2", "prompt": "a cat", "seconds": "6"})
        assert (status, json.loads(body)["model"]) == (200, "sora-2")
        assert headers["x-grok2api-model"] == "grok-imagine-video"
        status, _, _ = await rig.post("/v1/images/generations", {"model": "gpt-4o", "prompt": "a cat"})
        assert status == 400
        status, _, _ = await rig.post(RESPONSES, {"model": "gpt-5-codex", "input": "hello"})
        assert status == 200
