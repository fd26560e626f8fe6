"""LangChain's own standard integration tests of chat models, for the three APIs. Run by `langchain_standard.py`.

The tests download their pictures and PDFs. There is no Internet here, so that one call is answered from this file; the
clients are as they are. A property that is not given here is a test that LangChain skips; `REASONS` says why.
"""

import types
from typing import Any

from cases import KEY, MODEL, ON_GROK_COM, URL, V1, png
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests, chat_models

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def _downloaded(url: str, **_: Any) -> Any:
    return types.SimpleNamespace(content=PDF if url.endswith(".pdf") else png())


#: What LangChain says of a test that it skips -> why that is so here.
REASONS = {
    "Model does not support audio inputs.": "Grok takes no audio in a conversation, and the gateway says so",
    "Model does not support PDF tool message.": "a tool message of OpenAI's APIs holds no PDF",
    "Model does not explicitly support Anthropic inputs.": "that is the form of Messages",
    "Test requires json mode support.": "Messages has schemas, but no JSON mode",
    "VCR not set up.": "it measures the speed of a recorded answer",
}

chat_models.httpx = types.SimpleNamespace(get=_downloaded)


class _Standard(ChatModelIntegrationTests):
    """What the gateway does."""

    @property
    def has_tool_calling(self) -> bool:
        return True

    @property
    def has_tool_choice(self) -> bool:
        return True

    @property
    def has_structured_output(self) -> bool:
        return True

    @property
    def returns_usage_metadata(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "grok-4.20-fast" if ON_GROK_COM else "grok-4.3-low"


class TestChat(_Standard):
    """`ChatOpenAI` over chat completions."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, "base_url": V1, "api_key": KEY, "max_retries": 0, "stream_usage": True}

    @property
    def supports_json_mode(self) -> bool:
        return True


class TestResponses(TestChat):
    """`ChatOpenAI` over Responses."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, "base_url": V1, "api_key": KEY, "max_retries": 0, "use_responses_api": True}


class TestMessages(_Standard):
    """`ChatAnthropic`."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatAnthropic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": MODEL, "base_url": URL, "api_key": KEY, "max_retries": 0}

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True
