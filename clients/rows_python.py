"""The clients that come from PyPI."""

from clients.rows import Client

_OPENAI = "chat, Responses, tools, structured output, pictures, films, models, errors"

CLIENTS: tuple[Client, ...] = (
    Client(
        name="openai",
        title="OpenAI Python SDK",
        kind="pypi",
        pins=("openai==3.54.0",),
        script="openai_sdk.py",
        did=_OPENAI,
    ),
    Client(
        name="openai-2",
        title="OpenAI Python SDK",
        kind="pypi",
        pins=("openai==2.54.0",),
        script="openai_sdk.py",
        did=_OPENAI,
    ),
    Client(
        name="anthropic",
        title="Anthropic Python SDK",
        kind="pypi",
        pins=("anthropic==2.12.0",),
        script="anthropic_sdk.py",
        did="Messages, tools, `tool_runner`, `parse`, thinking, `count_tokens`, models, errors",
    ),
    Client(
        name="open-responses",
        title="Open Responses compliance",
        kind="pypi",
        pins=("openresponses-types==2.4.0",),
        script="open_responses.py",
        did="the compliance cases and more, every object and event validated",
    ),
    Client(
        name="langchain",
        title="LangChain standard tests",
        kind="pypi",
        pins=(
            "langchain-tests==1.1.9",
            "langchain-openai==1.7.3",
            "langchain-anthropic==1.7.7",
            "pytest-asyncio==1.5.0",
        ),
        script="langchain_standard.py",
        did="`ChatModelIntegrationTests` with `ChatOpenAI` 1.7.3 (chat and Responses) and `ChatAnthropic` 1.7.7",
    ),
)
