"""What a recipe is, and what it becomes with an address, a key and models. Pure.

A snippet is text with holes such as `{key}`. A hole stands where a whole literal of the snippet's format stands,
without quotes around it, and is filled with the value quoted for that format; so no value can break out of its place.
Where a client can read the key from the environment there is no hole for it: the snippet names the variable, and no
file holds a key.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

#: The variable that snippets and started clients read the key from, and what stands for a key that is not shown.
KEY_VARIABLE = "GROK2API_KEY"
PLACEHOLDER = "YOUR_KEY"

#: What clients are given where the gateway wants no key: most of them refuse to start without any.
NO_KEY = "none"

#: Where a gateway is that nobody told anything else.
DEFAULT_URL = "http://127.0.0.1:8000"

#: The APIs that a client may speak.
CHAT, RESPONSES, MESSAGES = "OpenAI chat completions", "OpenAI Responses", "Anthropic Messages"


class Form(StrEnum):
    """What a snippet is written in. TEXT is for people: values to put into the fields of a window."""

    SHELL = "shell"
    DOTENV = "dotenv"
    TOML = "toml"
    JSON = "json"
    YAML = "yaml"
    PYTHON = "python"
    JAVASCRIPT = "javascript"
    TEXT = "text"


class Purpose(StrEnum):
    """What the client does with a model: AGENT calls tools in many rounds, CHAT talks."""

    AGENT = "agent"
    CHAT = "chat"


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """What a client has to know. `url` is the gateway's root, without a slash at its end and without `/v1`."""

    url: str = DEFAULT_URL
    key: str = PLACEHOLDER
    model: str
    small_model: str

    def __repr__(self) -> str:
        return f"Connection({self.url}, {self.model})"

    @property
    def openai_url(self) -> str:
        """The base URL that OpenAI clients want."""
        return f"{self.url}/v1"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do. `do` is a sentence without its full stop; `body` is text, or JSON as data, with holes in it."""

    do: str
    form: Form
    body: str | Mapping[str, Any]


#: The first step wherever a client reads the key from the environment.
EXPORT = Step(do="In the shell that starts it", form=Form.SHELL, body=f"export {KEY_VARIABLE}={{key}}")


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    speaks: the APIs that it uses. bare: its base URL has no `/v1`. keeps: where it keeps its settings, if it does.
    pitfalls: what goes wrong with this client, and what to do. check: how to see that it works. program: what
    `grok2api run` starts. tried: the version that the steps were followed with, if they were.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    check: str
    purpose: Purpose = Purpose.CHAT
    speaks: tuple[str, ...] = (CHAT,)
    keeps: str = ""
    bare: bool = False
    pitfalls: tuple[str, ...] = ()
    program: str = ""
    tried: str = ""

    def base_url(self, url: str) -> str:
        """The base URL for this client, of the gateway at `url`."""
        return url if self.bare else f"{url}/v1"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A step with its holes filled."""

    do: str
    form: Form
    text: str


def rendered(recipe: Recipe, connection: Connection) -> tuple[Done, ...]:
    """The steps of a recipe for this connection."""
    values = holes(connection)
    return tuple(Done(do=step.do, form=step.form, text=_filled(step, values)) for step in recipe.steps)


def holes(connection: Connection) -> Mapping[str, str]:
    """The value of every hole there is, not quoted yet."""
    hello = [{"role": "user", "content": "Hello"}]
    return {
        "url": connection.url,
        "openai_url": connection.openai_url,
        "chat_url": f"{connection.openai_url}/chat/completions",
        "models_url": f"{connection.openai_url}/models",
        "messages_url": f"{connection.openai_url}/messages",
        "key": connection.key,
        "model": connection.model,
        "small_model": connection.small_model,
        "openai_model": f"openai/{connection.model}",
        "openai_small_model": f"openai/{connection.small_model}",
        "our_model": f"grok2api/{connection.model}",
        "our_small_model": f"grok2api/{connection.small_model}",
        "chat_body": json.dumps({"model": connection.model, "stream": True, "messages": hello}),
        "messages_body": json.dumps({"model": connection.model, "max_tokens": 500, "messages": hello}),
    }


def filled(data: Any, values: Mapping[str, str]) -> Any:
    """JSON as data, with the holes in its names and strings filled."""
    match data:
        case str():
            return _HOLE.sub(lambda hole: values[hole[1]], data)
        case Mapping():
            return {filled(name, values): filled(item, values) for name, item in data.items()}
        case list() | tuple():
            return [filled(item, values) for item in data]
        case _:
            return data


_HOLE = re.compile(r"\{([a-z_]+)\}")

#: Characters that stand for themselves in a JSON string, and not in those of TOML, YAML and Python.
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


def quoted(value: str) -> str:
    """A string literal that JSON, TOML, YAML, Python and JavaScript all read as `value`."""
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


_QUOTED: Mapping[Form, Callable[[str], str]] = {
    Form.SHELL: shlex.quote,
    Form.DOTENV: shlex.quote,
    Form.TOML: quoted,
    Form.JSON: quoted,
    Form.YAML: quoted,
    Form.PYTHON: quoted,
    Form.JAVASCRIPT: quoted,
    Form.TEXT: str,
}


def _filled(step: Step, values: Mapping[str, str]) -> str:
    if not isinstance(step.body, str):
        return json.dumps(filled(step.body, values), indent=2, ensure_ascii=False)
    quote = _QUOTED[step.form]
    return _HOLE.sub(lambda hole: quote(values[hole[1]]), step.body).strip("\n")


def lines(recipe: Recipe, connection: Connection) -> Iterator[str]:
    """The recipe as plain text: what is for people stands behind `#`, the rest is to be taken as it is."""
    yield f"# {recipe.title}: {' and '.join(recipe.speaks)} at {recipe.base_url(connection.url)}"
    if recipe.keeps:
        yield f"# Its settings: {recipe.keeps}"
    for step in rendered(recipe, connection):
        yield ""
        yield f"# {step.do}:"
        yield step.text
    yield ""
    yield f"# To check: {recipe.check}"
    for pitfall in recipe.pitfalls:
        yield f"# Note: {pitfall}"
