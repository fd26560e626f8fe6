"""One body of each dialect with every field that its makers, Grok's and our own documents know, where fields may stand.

For tests of what may be left out, may be null, or is unknown. Nobody sends such a body.
"""

from typing import Any

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "s", "name": "n"},
        {"role": "developer", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]},
        {
            "role": "user",
            "name": "u",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {
                    "type": "file",
                    "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf", "file_id": "x"},
                },
            ],
        },
        {
            "role": "assistant",
            "content": "c",
            "refusal": "r",
            "reasoning_content": "t",
            "audio": {"id": "a"},
            "function_call": None,
            "annotations": [],
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "i"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "r"}], "name": "f"},
        {"role": "tool", "tool_call_id": "c2", "content": "r2"},
        {"role": "user", "content": "z"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
        },
        {
            "type": "custom",
            "custom": {
                "name": "g",
                "description": "d",
                "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}},
            },
        },
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"},
    },
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "reasoning": {"effort": "low", "enabled": True, "max_tokens": 5, "exclude": False},
    "thinking": {"type": "enabled", "budget_tokens": 5},
    "web_search_options": {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "x"}},
    },
    "image_config": {"n": 1, "size": "1024x1024", "response_format": "url"},
    "video_config": {"seconds": 6, "size": "720x1280", "resolution_name": "720p", "preset": "fun"},
    "metadata": {"a": "b"},
    "extra_body": {"a": 1},
    "audio": None,
    "prediction": {"type": "content", "content": "x"},
}

RESPONSES: dict[str, Any] = {
    "model": "m",
    "input": [
        {
            "type": "message",
            "role": "developer",
            "content": [{"type": "input_text", "text": "d"}],
            "id": "msg_1",
            "status": "completed",
            "phase": "x",
        },
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "https://x/y.png", "detail": "auto", "file_id": None},
                {
                    "type": "input_file",
                    "file_data": "data:application/pdf;base64,AAAA",
                    "filename": "a.pdf",
                    "file_url": None,
                    "file_id": None,
                },
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "s"}],
            "content": [{"type": "reasoning_text", "text": "x"}],
            "encrypted_content": "e",
            "status": "completed",
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "c1",
            "name": "f",
            "arguments": "{}",
            "status": "completed",
            "namespace": None,
        },
        {
            "type": "function_call_output",
            "id": "fco_1",
            "call_id": "c1",
            "output": [{"type": "input_text", "text": "o"}],
            "status": "completed",
        },
        {"type": "custom_tool_call", "id": "ct", "call_id": "c2", "name": "g", "input": "i", "status": "completed"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "o"},
        {
            "type": "message",
            "role": "assistant",
            "id": "m",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "t", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "r"},
            ],
        },
        {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}},
        {"role": "user", "content": "z"},
    ],
    "instructions": "i",
    "tools": [
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
        {
            "type": "custom",
            "name": "g",
            "description": "d",
            "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
        },
        {
            "type": "namespace",
            "name": "ns",
            "description": "d",
            "tools": [
                {"type": "function", "name": "h", "parameters": {"type": "object"}, "strict": False, "description": "d"}
            ],
        },
        {
            "type": "web_search",
            "filters": {"allowed_domains": ["x"]},
            "search_context_size": "low",
            "user_location": {"type": "approximate", "city": "x"},
        },
        {"type": "tool_search"},
        {"type": "mystery", "x": 1},
    ],
    "tool_choice": {"type": "function", "name": "f"},
    "text": {
        "format": {
            "type": "json_schema",
            "name": "n",
            "schema": {"type": "object"},
            "strict": True,
            "description": "d",
        },
        "verbosity": "low",
    },
    "reasoning": {"effort": "low", "summary": "auto", "generate_summary": "auto", "context": "x"},
    "stream_options": {"include_obfuscation": False},
    "metadata": {"a": "b"},
    "include": ["reasoning.encrypted_content"],
    "client_metadata": {"x": "y"},
    "context_management": [{"type": "compaction", "compact_threshold": 1}],
    "image_config": {"n": 1, "size": "1024x1024", "response_format": "url"},
    "video_config": {"seconds": 6, "size": "720x1280", "resolution_name": "720p", "preset": "fun"},
}

MESSAGES: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "5m"}, "citations": []}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}, "citations": None},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                    "cache_control": {"type": "ephemeral"},
                },
                {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                    "title": "t",
                    "context": "c",
                    "citations": {"enabled": True},
                },
                {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
            ],
        },
        {"role": "system", "content": "mid"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "t", "signature": "s"},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "text", "text": "x", "citations": []},
                {
                    "type": "tool_use",
                    "id": "t1",
                    "name": "f",
                    "input": {"a": 1},
                    "caller": {"type": "direct"},
                    "cache_control": {"type": "ephemeral"},
                },
                {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "s1",
                    "content": [
                        {
                            "type": "web_search_result",
                            "title": "t",
                            "url": "https://x",
                            "encrypted_content": "e",
                            "page_age": "1",
                        }
                    ],
                },
                {"type": "mystery", "x": 1},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "content": [
                        {"type": "text", "text": "r"},
                        {"type": "tool_reference", "tool_name": "W"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                    ],
                    "is_error": True,
                    "cache_control": {"type": "ephemeral"},
                },
                {"type": "text", "text": "z"},
            ],
        },
    ],
    "tools": [
        {
            "name": "f",
            "description": "d",
            "input_schema": {"type": "object"},
            "type": "custom",
            "cache_control": {"type": "ephemeral"},
            "defer_loading": False,
            "strict": True,
            "input_examples": [{"a": 1}],
            "allowed_callers": ["direct"],
            "eager_input_streaming": True,
        },
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "max_uses": 5,
            "allowed_domains": ["x"],
            "user_location": {"type": "approximate", "city": "x"},
        },
        {"type": "bash_20250124", "name": "bash"},
        {"type": "mystery_2027", "name": "my"},
    ],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
    "output_config": {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
        "task_budget": {"x": 1},
    },
    "metadata": {"user_id": '{"session_id":"s"}'},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "mcp_servers": [],
    "container": None,
    "speed": "fast",
    "stop_sequences": ["x"],
    "betas": ["x"],
}
