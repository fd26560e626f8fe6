"""What a row of the table of clients says, and the models that every client is run over."""

import re
from dataclasses import dataclass
from typing import Literal

#: "openai==3.54.0", "langchain[x]==1.0", "openai@7.57.0", "@ai-sdk/openai@4.0.1"
_PIN = re.compile(r"^(?P<name>@?[^@=\[]+)(?:\[[^\]]*\])?(?:==|@)(?P<version>.+)$")


@dataclass(frozen=True)
class Backend:
    """A kind of upstream and the model that stands for it."""

    name: str
    model: str
    tools: str


#: grok.com has no tool calls of its own, so the gateway makes them; console.x.ai has.
BACKENDS = (
    Backend("grok.com", "grok-4.20-auto", "tools by instruction"),
    Backend("console", "grok-4.3-console", "native tools"),
)


@dataclass(frozen=True)
class Client:
    """One client of one version.

    name: what `--only` takes, and the name of its directory in `.clients/`. pins: what is installed, exactly, the
    client itself first. script: what is run, a file in `clients/python` or `clients/node`; it prints a line of JSON
    for each case. did: what was tried, for the reader of the table. on: the names of the backends it is run over.
    """

    name: str
    title: str
    pins: tuple[str, ...]
    script: str
    did: str
    on: tuple[str, ...] = tuple(backend.name for backend in BACKENDS)
    seconds: float = 300.0

    @property
    def kind(self) -> Literal["pypi", "npm"]:
        """Where it is installed from, which is what its script is written for."""
        return "npm" if self.script.endswith(".mjs") else "pypi"

    @property
    def version(self) -> str:
        """The version of the client itself."""
        return pinned(self.pins[0])[1]


def pinned(pin: str) -> tuple[str, str]:
    """Name and version of a pin. Raises `ValueError` when it is not exact."""
    found = _PIN.match(pin)
    if found is None:
        raise ValueError(f"{pin!r} pins no exact version")
    return found["name"], found["version"]
