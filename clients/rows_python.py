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
)
