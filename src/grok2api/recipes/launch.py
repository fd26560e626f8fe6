"""How the clients that `grok2api run` knows are started: arguments before the user's, and the environment. Pure.

Nothing is written anywhere: a child gets its settings by its environment and its arguments, in forms that win over its
own files. The key goes by the environment only, as arguments can be read by everybody on the machine.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from grok2api.recipes.agents import CLAUDE_ENVIRONMENT, OPENCODE
from grok2api.recipes.place import host
from grok2api.recipes.recipe import KEY_VARIABLE, Connection, filled, holes, quoted

#: The provider's table as one line of TOML, as an option of Codex wants it.
_CODEX_PROVIDER = f'{{name="grok2api", base_url={{openai_url}}, env_key="{KEY_VARIABLE}", wire_api="responses"}}'

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_NO_PROXY = ("no_proxy", "NO_PROXY")


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How one program is started.

    install: what to type where it is missing. arguments: options that stand before the user's, each a template with
    holes for TOML. sets: variables, templates too; `merges` is one that holds a JSON object and keeps what the user has
    in it. drops: variables that would lead it elsewhere, or send it the key of somebody else.
    """

    program: str
    install: str
    arguments: tuple[str, ...] = ()
    sets: Mapping[str, str] = {}
    merges: tuple[str, Mapping[str, Any]] | None = None
    drops: frozenset[str] = frozenset()


LAUNCHES: Mapping[str, Launch] = {
    launch.program: launch
    for launch in (
        Launch(
            program="claude",
            install="npm install -g @anthropic-ai/claude-code",
            # The last one has the variables win over the `env` table of the user's settings files.
            sets={**CLAUDE_ENVIRONMENT, "ANTHROPIC_AUTH_TOKEN": "{key}", "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"},
            drops=frozenset(
                """
                ANTHROPIC_API_KEY ANTHROPIC_CUSTOM_HEADERS ANTHROPIC_DEFAULT_MODEL ANTHROPIC_UNIX_SOCKET
                CLAUDE_CODE_API_BASE_URL CLAUDE_CODE_OAUTH_TOKEN CLAUDE_CODE_SUBAGENT_MODEL
                CLAUDE_CODE_USE_ANTHROPIC_AWS CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD CLAUDE_CODE_USE_BEDROCK
                CLAUDE_CODE_USE_FOUNDRY CLAUDE_CODE_USE_GATEWAY CLAUDE_CODE_USE_MANTLE CLAUDE_CODE_USE_VERTEX
                """.split()  # noqa: SIM905 - a list of words
            ),
        ),
        Launch(
            program="codex",
            install="npm install -g @openai/codex",
            arguments=(
                "-c",
                'model_provider="grok2api"',
                "-c",
                "model={model}",
                "-c",
                "model_providers.grok2api=" + _CODEX_PROVIDER,
            ),
            sets={KEY_VARIABLE: "{key}"},
        ),
        Launch(
            program="opencode",
            install="npm install -g opencode-ai",
            sets={KEY_VARIABLE: "{key}"},
            merges=("OPENCODE_CONFIG_CONTENT", OPENCODE),
        ),
    )
}


def arguments(launch: Launch, connection: Connection, given: Sequence[str]) -> list[str]:
    """Everything after the program's name; what the user gave stands last and as it is."""
    values = {name: quoted(value) for name, value in holes(connection).items()}
    return [*(filled(word, values) for word in launch.arguments), *given]


def environment(launch: Launch, connection: Connection, environ: Mapping[str, str], *, near: bool) -> dict[str, str]:
    """The child's environment, made of the user's. `near`: the gateway is on this machine, so no proxy leads to it."""
    values = holes(connection)
    child = {name: value for name, value in environ.items() if name not in launch.drops}
    child |= filled(launch.sets, values)
    if launch.merges is not None:
        name, ours = launch.merges
        child[name] = json.dumps(_merged(_object(environ.get(name, "")), filled(ours, values)))
    if near and any(child.get(name) or child.get(name.upper()) for name in _PROXIES):
        child |= _without_proxy(child, connection.url)
    return child


def _object(text: str) -> dict[str, Any]:
    """The JSON object in a variable; what is none counts as empty."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _merged(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Both, table by table; ours wins."""
    both = dict(theirs)
    for name, value in ours.items():
        other = both.get(name)
        both[name] = _merged(other, value) if isinstance(other, dict) and isinstance(value, dict) else value
    return both


def _without_proxy(child: Mapping[str, str], url: str) -> dict[str, str]:
    name = host(url)
    found: dict[str, str] = {}
    for variable in _NO_PROXY:
        before = [entry for entry in child.get(variable, "").split(",") if entry.strip()]
        known = [entry.strip() for entry in before]
        found[variable] = ",".join(before if name in known or "*" in known else [*before, name])
    return found


#: Options of ours that may stand right after the client's name.
OURS = ("--url", "--key", "--model")


def split(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Our options right after the client's name, and the client's own words.

    Ours end at the first word that is none of them, or at `--`, which is dropped. Raises `ValueError` with the option
    that has no value.
    """
    given: dict[str, str] = {}
    rest = list(words)
    while rest:
        option, equals, value = rest[0].partition("=")
        if rest[0] == "--":
            return given, rest[1:]
        if option not in OURS:
            break
        if not equals and len(rest) < 2:
            raise ValueError(option)
        given[option] = value if equals else rest[1]
        rest = rest[1:] if equals else rest[2:]
    return given, rest
