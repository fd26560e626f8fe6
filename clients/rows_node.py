"""The clients that come from npm, and the coding agents."""

from clients.rows import Client

_ERRAND = "writes a file, reads it back and says what it holds"

CLIENTS: tuple[Client, ...] = (
    Client(
        name="claude-code",
        title="Claude Code",
        pins=("@anthropic-ai/claude-code@2.1.330",),
        script="claude_code.mjs",
        did=f"{_ERRAND}; structured output, sessions, errors, breaks, `/context`",
    ),
    Client(
        name="claude-code-2.1.197",
        title="Claude Code",
        pins=("@anthropic-ai/claude-code@2.1.197",),
        script="claude_code.mjs",
        did="the same",
    ),
    Client(
        name="claude-agent-sdk-node",
        title="Claude Agent SDK",
        pins=("@anthropic-ai/claude-agent-sdk@0.3.331", "zod@4.6.7"),
        script="claude_agent_sdk.mjs",
        did=f"{_ERRAND}; a tool of the caller's own, structured output, errors",
    ),
    Client(
        name="codex",
        title="Codex",
        pins=("@openai/codex@0.169.0",),
        script="codex.mjs",
        did=f"{_ERRAND}; WebSocket, patches, structured output, sessions, errors, breaks",
    ),
    Client(
        name="opencode",
        title="opencode",
        pins=("opencode-ai@1.18.33",),
        script="opencode.mjs",
        did=f"{_ERRAND}, over chat, Responses and Messages; sessions, errors, breaks",
    ),
    Client(
        name="continue",
        title="Continue `cn`",
        pins=("@continuedev/cli@1.5.47",),
        script="continue_cn.mjs",
        did=f"{_ERRAND}, over chat and Messages; errors",
    ),
    Client(
        name="openai-node-6",
        title="OpenAI Node SDK",
        pins=("openai@6.49.0", "zod@4.6.7"),
        script="openai_node.mjs",
        did="chat, Responses and their chain, streams, tools, `parse`, pictures, errors, cancelling",
    ),
    Client(
        name="openai-node",
        title="OpenAI Node SDK",
        pins=("openai@7.57.0", "zod@4.6.7"),
        script="openai_node.mjs",
        did="the same",
    ),
    Client(
        name="anthropic-node",
        title="Anthropic Node SDK",
        pins=("@anthropic-ai/sdk@1.12.0", "zod@4.6.7"),
        script="anthropic_node.mjs",
        did="messages, streams, tools and their runner, thinking, `parse`, counting, errors, cancelling",
    ),
    Client(
        name="ai-sdk-6",
        title="Vercel AI SDK",
        pins=(
            "ai@6.0.326",
            "@ai-sdk/openai@3.0.141",
            "@ai-sdk/openai-compatible@2.0.92",
            "@ai-sdk/xai@3.0.138",
            "@ai-sdk/anthropic@3.0.140",
            "@ai-sdk/open-responses@1.0.39",
            "zod@4.6.7",
        ),
        script="ai_sdk.mjs",
        did="providers openai (chat, Responses), openai-compatible, xai, anthropic, open-responses: text, streams, "
        "loops of tools, objects, reasoning, pictures, errors",
    ),
    Client(
        name="ai-sdk",
        title="Vercel AI SDK",
        pins=(
            "ai@7.0.173",
            "@ai-sdk/openai@4.0.118",
            "@ai-sdk/openai-compatible@3.0.92",
            "@ai-sdk/xai@5.0.12",
            "@ai-sdk/anthropic@4.0.105",
            "@ai-sdk/open-responses@2.0.36",
            "zod@4.6.7",
        ),
        script="ai_sdk.mjs",
        did="the same",
    ),
)
