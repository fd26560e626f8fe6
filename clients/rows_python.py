"""The clients that come from PyPI."""

from clients.rows import Client

_OPENAI = "chat, Responses, tools, structured output, pictures, films, models, errors"

CLIENTS: tuple[Client, ...] = (
    Client(
        name="openai",
        title="OpenAI Python SDK",
        pins=("openai==3.54.0",),
        script="openai_sdk.py",
        did=_OPENAI,
    ),
    Client(
        name="openai-2",
        title="OpenAI Python SDK",
        pins=("openai==2.54.0",),
        script="openai_sdk.py",
        did=_OPENAI,
    ),
    Client(
        name="anthropic",
        title="Anthropic Python SDK",
        pins=("anthropic==2.12.0",),
        script="anthropic_sdk.py",
        did="Messages, tools, `tool_runner`, `parse`, thinking, `count_tokens`, models, errors",
    ),
    Client(
        name="open-responses",
        title="Open Responses compliance",
        pins=("openresponses-types==2.4.0",),
        script="open_responses.py",
        did="the compliance cases and more, every object and event validated",
    ),
    Client(
        name="langchain",
        title="LangChain standard tests",
        pins=(
            "langchain-tests==1.1.9",
            "langchain-openai==1.7.3",
            "langchain-anthropic==1.7.7",
            "pytest-asyncio==1.5.0",
        ),
        script="langchain_standard.py",
        did="`ChatModelIntegrationTests` with `ChatOpenAI` 1.7.3 (chat and Responses) and `ChatAnthropic` 1.7.7",
    ),
    Client(
        name="pydantic-ai",
        title="Pydantic AI",
        pins=("pydantic-ai-slim[openai,anthropic]==2.68.0",),
        script="pydantic_ai_agents.py",
        did="chat, Responses and Messages: tools, streams, typed output in three ways, pictures",
    ),
    Client(
        name="openai-agents",
        title="OpenAI Agents",
        pins=("openai-agents==0.24.0",),
        script="openai_agents.py",
        did="chat and Responses: tools, handoffs, streams, typed output, sessions, `previous_response_id`",
    ),
    Client(
        name="litellm",
        title="LiteLLM as a client",
        pins=("litellm[mcp]==1.106.2",),
        script="litellm_client.py",
        did="`openai/` and `anthropic/`: tools, streams, typed output, Responses, pictures, errors",
    ),
    Client(
        name="instructor",
        title="instructor",
        pins=("instructor[anthropic]==1.17.0",),
        script="instructor_client.py",
        did="chat, Responses and Messages: six modes, whole, partial and iterable",
    ),
    Client(
        name="llm",
        title="llm",
        pins=("llm==0.36",),
        script="llm_cli.py",
        did="streams, tools, schemas, pictures, conversations",
    ),
    Client(
        name="aider",
        title="aider",
        pins=("aider-chat==0.86.2",),
        script="aider_cli.py",
        did="a file of a repository changed and committed, in two edit formats, over chat and Messages",
        seconds=600.0,
    ),
    Client(
        name="llama-index",
        title="LlamaIndex",
        pins=("llama-index-llms-openai-like==0.8.1", "llama-index-llms-anthropic==0.12.3", "anthropic==0.125.0"),
        script="llama_index_llms.py",
        did="chat and Messages: streams, tools, an agent, typed output",
    ),
    Client(
        name="smolagents",
        title="smolagents",
        pins=("smolagents[openai]==1.26.0",),
        script="smolagents_client.py",
        did="an agent with tools, an agent that writes code, streams",
    ),
    Client(
        name="claude-agent-sdk",
        title="Claude Agent SDK (Python)",
        pins=("claude-agent-sdk==0.2.188",),
        script="claude_agent.py",
        did="a question, a file written by Claude Code's tool, a tool of the program, a conversation",
    ),
)
