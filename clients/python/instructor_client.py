"""instructor: typed answers over chat, Responses and Messages, in every mode, whole and streamed."""

from collections.abc import Iterable
from typing import Any

import instructor
from anthropic import Anthropic
from cases import KEY, MODEL, URL, V1, case, main
from openai import OpenAI
from pydantic import BaseModel, Field

ASK: Any = [{"role": "user", "content": "Name Oslo and how many people live in it."}]


class City(BaseModel):
    """A city."""

    name: str = Field(description="its name")
    people: int = Field(ge=1)


def openai(mode: instructor.Mode) -> Any:
    """A client of OpenAI's, taught by instructor."""
    return instructor.from_openai(OpenAI(base_url=V1, api_key=KEY), mode=mode)


def anthropic(mode: instructor.Mode) -> Any:
    """A client of Anthropic's, taught by instructor."""
    return instructor.from_anthropic(Anthropic(base_url=URL, api_key=KEY), mode=mode)


def cases_of(title: str, make: Any, mode: instructor.Mode) -> None:
    """Every case in one mode."""

    @case(f"{title}: create")
    def create() -> None:
        client = make(mode)
        assert isinstance(
            client.create(model=MODEL, messages=ASK, response_model=City, max_retries=0, **limits(title)), City
        )

    @case(f"{title}: partial")
    def partial() -> None:
        pieces = list(make(mode).create_partial(model=MODEL, messages=ASK, response_model=City, **limits(title)))
        assert pieces[-1].name

    @case(f"{title}: iterable")
    def several() -> None:
        found = list(make(mode).create_iterable(model=MODEL, messages=ASK, response_model=City, **limits(title)))
        assert found
        assert all(isinstance(one, City) for one in found)


def limits(title: str) -> dict[str, int]:
    """Messages wants to know how long an answer may be."""
    return {"max_tokens": 900} if title.startswith("messages") else {}


cases_of("chat, tools", openai, instructor.Mode.TOOLS)
cases_of("chat, JSON", openai, instructor.Mode.JSON)
cases_of("chat, JSON schema", openai, instructor.Mode.JSON_SCHEMA)
cases_of("responses, tools", openai, instructor.Mode.RESPONSES_TOOLS)
cases_of("messages, tools", anthropic, instructor.Mode.ANTHROPIC_TOOLS)
cases_of("messages, JSON", anthropic, instructor.Mode.ANTHROPIC_JSON)


@case("chat, parallel tools")
def parallel() -> None:
    found = openai(instructor.Mode.PARALLEL_TOOLS).create(
        model=MODEL,
        messages=[{"role": "user", "content": "Use the City tool for Oslo and Rome, both in parallel"}],
        response_model=Iterable[City],
    )
    assert all(isinstance(one, City) for one in found)


if __name__ == "__main__":
    main()
