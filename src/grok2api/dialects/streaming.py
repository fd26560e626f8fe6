"""Whether a chat completion without a `stream` field is wanted as a stream.

Nearly every SDK leaves the field out when it wants JSON, while the product's default is a stream. The
rule: an explicit value wins; then `Accept`; then a table of SDKs known by their `User-Agent`; then the default.
"""

from collections.abc import Mapping

#: Beginnings of user agents (lower-case) whose clients leave `stream` out when they want JSON.
JSON_BY_DEFAULT: tuple[str, ...] = (
    "openai/",
    "asyncopenai/",
    "azureopenai/",
    "asyncazureopenai/",
    "agents/",
    "ai/",
    "ai-sdk/",
    "litellm/",
    "langchain",
    "llamaindex",
    "llama-index",
    "instructor",
    "smolagents",
    "pydantic-ai",
    "anthropic/",
    "asyncanthropic/",
)


def wants_stream(explicit: bool | None, headers: Mapping[str, str], default: bool) -> bool:
    """Whether to answer with a stream; `headers` are lower-cased."""
    if explicit is not None:
        return explicit
    accept = headers.get("accept", "").lower()
    if "text/event-stream" in accept:
        return True
    if accept.split(";")[0].strip() == "application/json":
        return False
    agent = headers.get("user-agent", "").lower()
    if agent.startswith(JSON_BY_DEFAULT) or " ai-sdk/" in agent:
        return False
    return default
