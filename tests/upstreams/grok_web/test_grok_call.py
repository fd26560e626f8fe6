"""What goes to grok.com: the prompt, the body, the headers, and the plan made before."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files import attachment, png
from grok2api.canonical.problem import Kind, Refusal
from grok2api.canonical.request import (
    File,
    Format,
    HostedTool,
    Image,
    Message,
    Part,
    Request,
    Role,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from grok2api.upstreams.base import Credential
from grok2api.upstreams.grok_web.call import chat_call, cookie, rest_headers, socket_headers
from grok2api.upstreams.grok_web.flatten import flatten, without_sources
from grok2api.upstreams.grok_web.gateway_ws_wire import ask
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.plan import plan

ACCOUNT = Credential("a-1", "tok.en")
BLOCK = "\n\n## Sources\n[grok2api-sources]: #\n- [Phobos](https://example.org/phobos)\n- [B](https://example.org/b)"


def message(role: Role, *parts: Part | str, path: str = "messages.0") -> Message:
    return Message(role, tuple(Text(part) if isinstance(part, str) else part for part in parts), path)


def asked(*parts: Part | str, **fields: object) -> Request:
    return Request(model="grok-4.20-fast", messages=(message(Role.USER, *parts or ("Hi",)),), **fields)  # type: ignore[arg-type]


FLATTENED = [
    ([message(Role.SYSTEM, "Be brief."), message(Role.USER, "Hi")], "[system]: Be brief.\n\n[user]: Hi"),
    ([message(Role.USER, "one", "two")], "[user]: one\n\n[user]: two"),
    ([message(Role.USER, "one", " ", "")], "[user]: one"),
    ([message(Role.USER, "Hi"), message(Role.ASSISTANT, Thinking("hm"), "Yes")], "[user]: Hi\n\n[assistant]: Yes"),
    (
        [message(Role.TOOL, ToolResult("c1", (Text("21"), Text("C")))), message(Role.TOOL, ToolResult("c2", (), True))],
        "[tool result for c1]:\n21\nC\n\n[tool result for c2, which failed]:\n",
    ),
    ([message(Role.ASSISTANT, ToolCall("c1", "f", '{"a":1}'))], '[assistant]:\ncalled f with {"a":1}'),
    ([message(Role.ASSISTANT, "Phobos." + BLOCK), message(Role.USER, "Ok")], "[assistant]: Phobos.\n\n[user]: Ok"),
    ([message(Role.USER, "Kept" + BLOCK)], "[user]: Kept" + BLOCK),
]


@pytest.mark.parametrize(("messages", "prompt"), FLATTENED)
def test_messages_become_one_prompt(messages: list[Message], prompt: str) -> None:
    assert flatten(messages) == prompt


@pytest.mark.parametrize("messages", [[], [message(Role.USER)], [message(Role.USER, "", "  \n")]])
def test_messages_without_words_are_refused(messages: list[Message]) -> None:
    request = Request(model="grok-4.20-fast", messages=tuple(messages))
    for refuse in (lambda: flatten(messages), lambda: plan(request)):
        with pytest.raises(Refusal) as caught:
            refuse()
        assert caught.value.problem.kind is Kind.INVALID
        assert caught.value.problem.param == "messages"


@given(st.text(), st.text())
def test_only_the_list_of_sources_is_taken_out(before: str, after: str) -> None:
    marker = "[grok2api-sources]: #"
    if marker not in before:
        assert without_sources(before) == before
        assert without_sources(before + BLOCK) == before.rstrip()
        assert without_sources(f"{before}{BLOCK}\nMore {after}").endswith(f"More {after}")


def test_the_body_has_every_field_of_the_protocol() -> None:
    call = chat_call("[user]: Hi", "expert", ACCOUNT, WebOptions(), "id-1")
    assert call.method == "POST"
    assert call.url == "https://grok.com/rest/app-chat/conversations/new"
    assert json.loads(call.body) == {
        "temporary": True,
        "modeId": "expert",
        "message": "[user]: Hi",
        "fileAttachments": [],
        "imageAttachments": [],
        "collectionIds": [],
        "connectors": [],
        "searchAllConnectors": False,
        "toolOverrides": {
            "gmailSearch": False,
            "googleCalendarSearch": False,
            "outlookSearch": False,
            "outlookCalendarSearch": False,
            "googleDriveSearch": False,
        },
        "disableSearch": False,
        "disableMemory": True,
        "disableTextFollowUps": False,
        "disableSelfHarmShortCircuit": False,
        "enableImageGeneration": True,
        "enableImageStreaming": True,
        "imageGenerationCount": 2,
        "returnImageBytes": False,
        "returnRawGrokInXaiRequest": False,
        "enableSideBySide": True,
        "forceSideBySide": False,
        "forceConcise": False,
        "isAsyncChat": False,
        "sendFinalMetadata": True,
        "responseMetadata": {},
        "deviceEnvInfo": {
            "darkModeEnabled": False,
            "devicePixelRatio": 2,
            "screenWidth": 2056,
            "screenHeight": 1329,
            "viewportWidth": 2056,
            "viewportHeight": 1083,
        },
    }


def test_the_operators_choices_reach_the_body() -> None:
    options = WebOptions(temporary=False, memory=True, custom_instruction="Be kind")
    body = json.loads(chat_call("x", "fast", ACCOUNT, options, "id-1").body)
    assert (body["temporary"], body["disableMemory"], body["customPersonality"]) == (False, False, "Be kind")


def test_headers_are_those_of_the_browser_page() -> None:
    options = WebOptions(
        base_url="http://127.0.0.1:9/grok", user_agent="UA/1", cookies="cf_clearance=c; sso=other; x=y;"
    )
    assert chat_call("x", "fast", ACCOUNT, options, "id-1").headers == {
        "Accept": "*/*",
        "Accept-Language": "en-US,en;q=0.9",
        "Origin": "http://127.0.0.1:9",
        "Referer": "http://127.0.0.1:9/",
        "User-Agent": "UA/1",
        "Cookie": "sso=tok.en; sso-rw=tok.en; cf_clearance=c; x=y",
        "x-xai-request-id": "id-1",
        "Content-Type": "application/json",
    }


def test_the_operators_headers_pass_unchanged_but_never_another_cookie() -> None:
    options = WebOptions(headers={"x-statsig-id": "s", "user-agent": "Mine", "cookie": "sso=other"}, user_agent="UA/1")
    headers = rest_headers(ACCOUNT, options, "id-1")
    assert headers["x-statsig-id"] == "s"
    assert headers["user-agent"] == "Mine"
    assert "User-Agent" not in headers
    assert "other" not in str(headers)


def test_a_socket_carries_the_user_and_no_request_id() -> None:
    headers = socket_headers(ACCOUNT, WebOptions(), "u-1")
    assert headers["Cookie"] == "sso=tok.en; sso-rw=tok.en; x-userid=u-1"
    assert headers["Origin"] == "https://grok.com"
    assert "x-xai-request-id" not in headers


@pytest.mark.parametrize("secret", ["", "a;b", "a\r\nX: y", "naïve"])
def test_Z4_a_session_that_would_break_the_header_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(Refusal) as caught:
        cookie(Credential("a-1", secret), WebOptions())
    assert caught.value.problem.kind is Kind.CREDENTIAL
    assert not secret or secret not in caught.value.problem.message


def test_the_options_never_show_the_operators_cookies() -> None:
    assert "secret" not in repr(WebOptions(cookies="cf=secret", headers={"x": "secret"}))


def test_H1_what_the_gateway_does_itself_is_planned() -> None:
    served = plan(asked(tools=(Tool("f"),), stop=("x",), max_tokens=0, format=Format("json_object"), n=2))
    assert (served.emulate_tools, served.emulate_stop, served.emulate_limit, served.emulate_format) == (True,) * 4
    assert not served.counts
    plain = plan(asked())
    assert (plain.emulate_tools, plain.emulate_stop, plain.emulate_limit, plain.emulate_format) == (False,) * 4
    assert plain.ignored == ()


def test_calls_in_the_history_need_the_emulation_too() -> None:
    assert plan(asked(ToolCall("c", "f", "{}"))).emulate_tools


def test_H1_what_has_no_effect_is_named_as_the_client_spelled_it() -> None:
    given_names = {
        "temperature": "temperature",
        "effort": "output_config.effort",
        "max_tokens": "max_completion_tokens",
        "stop": "stop_sequences",
        "seed": "seed",
        "logit_bias": "logit_bias",
        "parallel_tool_calls": "parallel_tool_calls",
    }
    served = plan(asked(given=given_names, effort="high", temperature=0.0, seed=0))
    assert served.ignored == ("temperature", "output_config.effort", "seed", "logit_bias")


def test_effort_none_is_honoured_because_it_hides_the_thinking() -> None:
    assert plan(asked(given={"effort": "reasoning_effort"}, effort="none")).ignored == ()


def test_searches_are_on_and_other_hosted_tools_are_named() -> None:
    tools = (
        HostedTool("web_search"),
        HostedTool("x_search", {"from_date": "2026-01-01"}),
        HostedTool("code_interpreter", {"container": "auto"}),
    )
    assert plan(asked(hosted_tools=tools)).ignored == ("tools.x_search.from_date", "tools.code_interpreter")


@pytest.mark.parametrize(
    "part",
    [
        Image("https://example.org/a.png", path="messages.0.content.1.image_url.url"),
        ToolResult("c", (File(name="a.pdf", path="messages.0.content.1.image_url.url"),)),
    ],
)
def test_H1_pictures_and_files_are_refused_by_name_where_nobody_can_upload_them(part: Part) -> None:
    with pytest.raises(Refusal) as caught:
        plan(asked("Look", part), takes_files=False)
    problem = caught.value.problem
    assert (problem.kind, problem.code) == (Kind.INVALID, "unsupported_content")
    assert problem.param == "messages.0.content.1.image_url.url"


def test_a_picture_alone_is_something_to_send() -> None:
    plan(asked(Image("https://example.org/a.png")))
    file = attachment(png(1, 1), File(name="dog.png"))
    assert flatten([message(Role.USER, file)]) == "[user]: (attached: dog.png)"
    result = ToolResult("c1", (Text("seen"), file))
    assert flatten([message(Role.TOOL, result)]) == "[tool result for c1]:\nseen\n(attached: dog.png)"


def test_attachments_go_beside_the_message() -> None:
    call = chat_call("look", "fast", ACCOUNT, WebOptions(), "id", ["f-1", "f-2"])
    assert json.loads(call.body)["fileAttachments"] == ["f-1", "f-2"]
    assert json.loads(chat_call("look", "fast", ACCOUNT, WebOptions(), "id").body)["fileAttachments"] == []


def test_attachments_go_over_the_socket_as_mentions() -> None:
    put, _ = ask("s-1", "look", "m-1", 5, WebOptions(), ["f-1"])
    item = json.loads(put)["event"]["item"]
    assert item["file_attachment_ids"] == ["f-1"]
    assert item["x_grok"]["input_chunks"] == [
        {"mention": {"target": {"file_mention": {"file_id": "f-1"}}}},
        {"text": {"text": "look"}},
    ]
