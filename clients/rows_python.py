"""The clients that come from PyPI."""

from clients.rows import Client

CLIENTS: tuple[Client, ...] = (
    Client(
        name="openai",
        title="OpenAI Python SDK",
        kind="pypi",
        pins=("openai==3.54.0",),
        script="openai_sdk.py",
        did="chat, Responses, models, errors",
    ),
)
