"""Bodies of Responses requests as clients send them, and short ways to decode one in a test."""

import json
from typing import Any

import pytest

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.canonical.request import Request
from grok2api.dialects.openai_responses import RESPONSES

WEATHER = {"type": "function", "name": "weather", "description": "d", "parameters": {"type": "object"}, "strict": True}

PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edits files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}

AGENTS = {
    "type": "namespace",
    "name": "agents",
    "description": "Other agents.",
    "tools": [{"type": "function", "name": "close_agent", "parameters": {"type": "object"}, "defer_loading": True}],
}

CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "weather", "arguments": '{"city": "Oslo"}'}

OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "4 C"}

CODEX = {
    "model": "grok-4.3-console",
    "instructions": "",
    "input": [
        {
            "type": "message",
            "role": "developer",
            "content": [{"type": "input_text", "text": "You write code."}],
        },
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "<environment_context><cwd>/src</cwd></environment_context>"}],
        },
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix the test."}]},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Look first."}],
            "content": None,
            "encrypted_content": "gAAAA",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "Looking.", "annotations": []}],
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "name": "shell",
            "arguments": '{"command":["ls"]}',
            "call_id": "call_1",
        },
        {"type": "function_call_output", "id": "fco_1", "call_id": "call_1", "output": '{"output":"a.py"}'},
        {
            "type": "custom_tool_call",
            "id": "ctc_1",
            "status": "completed",
            "call_id": "call_2",
            "name": "apply_patch",
            "input": "*** Begin Patch\n*** End Patch",
        },
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "Done"},
        {"type": "additional_tools", "role": "developer", "tools": [AGENTS]},
    ],
    "tools": [
        {
            "type": "function",
            "name": "shell",
            "description": "Runs a command.",
            "strict": False,
            "parameters": {"type": "object", "properties": {"command": {"type": "array"}}},
        },
        PATCH,
        {"type": "web_search", "external_web_access": False},
        {"type": "tool_search", "execution": "client", "description": "Finds tools.", "parameters": {"type": "object"}},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "medium", "summary": "auto", "context": "all_turns"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "0192-conv",
    "text": {"verbosity": "medium"},
    "client_metadata": {"x-codex-installation-id": "1"},
}

AGENTS_SDK = {
    "model": "grok-4.3-console",
    "include": [],
    "input": [
        {"content": "What's the weather?", "role": "user"},
        {
            "id": "fc_1",
            "type": "function_call",
            "status": "completed",
            "call_id": "c1",
            "name": "weather",
            "arguments": "{}",
        },
        {"call_id": "c1", "output": [{"type": "input_text", "text": "4 C"}], "type": "function_call_output"},
    ],
    "tools": [WEATHER],
    "tool_choice": {"type": "function", "name": "weather"},
    "metadata": {"trace": "1"},
}


def decode(items: Any = "hi", headers: dict[str, str] | None = None, **fields: Any) -> Request:
    body = {"model": "grok-4.3-console", "input": items, **fields}
    return RESPONSES.decode(json.dumps(body).encode(), headers or {})


def problem(items: Any = "hi", **fields: Any) -> Problem:
    with pytest.raises(Refusal) as caught:
        decode(items, **fields)
    return caught.value.problem


def refused_at(items: Any = "hi", **fields: Any) -> str | None:
    found = problem(items, **fields)
    assert found.kind is Kind.INVALID
    return found.param
