"""The reference pages that are made from tables: `python -m grok2api.config.reference` (in short, `make docs`).

Pure. `PAGES` maps a page to its text; a test compares them with what is in `docs/`.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from grok2api.aliases import DEFAULTS, PROVIDERS, WELL_KNOWN
from grok2api.catalog import MODELS, Model, Surface
from grok2api.config.table import SETTINGS, Kind, Setting, section_titles
from grok2api.pages import NOTE, write

_CONFIGURATION = f"""{NOTE}

# Configuration

A value is looked for in this order; the first that is found wins:

1. the command line (`--host`, `--port`, `--workers`);
2. the environment: `GROK2API_<SECTION>__<KEY>`, for example `GROK2API_APP__API_KEY` or
   `GROK2API_UPSTREAM__WEB__BASE_URL`; lists are comma lists or JSON, tables are JSON; an empty variable counts as
   absent;
3. the file: `config.toml` in the data directory, or the one given by `--config`;
4. the default.

`grok2api config show` prints every value and the layer it comes from, `config check` says whether all is well,
`config set KEY VALUE` changes the file and keeps its comments. A key that is not in this list is refused, and so is a
value that is not allowed; the message names the key, the layer and what is allowed.

`GROK2API_DATA_DIR` (the data directory), `GROK2API_SECRET_KEY` (the key that encrypts stored credentials), and
`GROK2API_URL` and `GROK2API_KEY` (for [clients](clients/README.md)) are variables too, but not settings.

A running gateway takes a change of the file over by itself within a few seconds, and one by `POST /admin/api/config` at
once; requests under way keep the settings that they began with. A change that is not allowed is refused as a whole,
with the reason in the log or in the answer, and the old settings go on serving.

Marks: *secret* values are never shown or logged. *At start* means that a change takes effect at the next start.
*No effect in this version* means that the key is known and its value checked, and nothing more; a start warns of it.
"""

_MODELS_PAGE = f"""{NOTE}

# Models

A request names one of these in `model`. `GET /v1/models` lists those that the accounts at hand can serve now.

"Tier" is the lowest tier of account that may serve the model (basic, then super, then heavy). The lowest tier that may
is used first, except where the last column says *best first*. "Mode" is the quota bucket that a request is paid from.

An effort may stand behind the name (`grok-4.3-console-low`), and other names lead to these: `claude-…` and `gpt-…` by
themselves, any other by a rule. [Aliases](aliases.md) says how.
"""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_BUILT_IN = "\n".join(f"| `{names}` | {_listed(value.split(', '))} |" for names, value in DEFAULTS.items())

_ALIASES_PAGE = f"""{NOTE}

# Which names can I ask for?

Besides the names of [models](models.md), names that you map yourself, and names that clients ask for by themselves.
The answer repeats the name that was asked for; its header `x-grok2api-model` says the model that served.

## Your own rules

    [aliases]
    my-model = "grok-4.3-console"
    "claude-*" = "grok-4.20-auto"
    "claude-*haiku*" = "grok-4.3-console-low"
    "gpt-5*" = "grok-4.20-heavy, grok-4.3-console-high"

or `grok2api config set aliases '{{"claude-*": "grok-4.20-auto"}}'`.

* `*` stands for any characters, `?` for one. An exact name comes before every pattern; of the patterns that fit,
  the one with the most characters of its own comes first, whatever the order in the file. The same holds for
  `account.selection.prefer_tags`.
* A name that is a model is never an alias; a rule for one is refused, and so is one that leads to something that is
  no model.
* Several models, with commas between them, are an order of preference: the first is used that an account can take
  **now**. When there is none, the answer is 429 as for the first that an account could serve at another time.

## An effort behind the name

`-none`, `-minimal`, `-low`, `-medium`, `-high` or `-xhigh` behind the name of a model or an alias asks for that
effort: `grok-4.3-console-xhigh`, `my-model-low`, `claude-opus-5-5-high`. A model of that very name comes first:
`grok-4.3-low` is one.

Of several efforts the first of these counts: that of the request itself (`reasoning_effort`, `reasoning.effort`,
`output_config.effort`, `thinking`), the one behind the name that was asked for, the one in the rule. So an effort
in a rule is a default, and a rule that must have the last word leads to a model whose effort is fixed
(`grok-4.3-low`).

An effort behind the name that the model does not heed, because its own is fixed or because grok.com knows none, is
reported as `model.effort` in `x-grok2api-ignored`. (`-none` hides the thinking everywhere.) In a rule it is
refused.

## What is taken off a name

When nothing has exactly the name that was asked for, it is tried without a window at the end (`[1m]`, which Claude
Code writes; it changes nothing here, since every model has the window that it has), and without the provider at the
front that relays and some clients write: {_listed(PROVIDERS)}. A pattern may be about these too: `"openai/*"`.

## Built-in rules

Where no rule of yours fits, these do, unless `features.default_aliases` is false. They are in the form of the rules
above. Models of console.x.ai come first: they have tools of their own, count tokens and are open to every account
of grok.com. So with one basic account `claude-opus-5-5` is Grok 4.3 at high effort, and `grok-4.20-fast` while
console.x.ai is used up; with a super account it is `grok-4.20-expert` then.

| names | lead to |
|---|---|
{_BUILT_IN}

Where an endpoint is for one kind of work only (`/v1/images/edits`), the models of that kind are looked at.

## By header

`x-grok2api-model: grok-4.3-console-low` in a request comes before the name in its body; the answer goes on to
repeat the body's. It takes every name that the body takes, is behind the same key, and is for trying another model
with a client that cannot be told to. At `/v1/videos` it has no effect.

## What is listed

`GET /v1/models` lists the models that the accounts can serve, and your aliases without wildcards that lead to one
of these. A request with an `anthropic-version` header gets Anthropic's shape (`limit`, `after_id` and `before_id`
choose the page) and these names too, as far as a rule leads them to a model that can be served:
{_listed(WELL_KNOWN)}. Claude Code finds its models there (`CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1`). `GET
/v1/models/NAME` knows every name that can be asked for."""

_SURFACES: Mapping[Surface, str] = {
    Surface.WEB_CHAT: "grok.com chat",
    Surface.CONSOLE_CHAT: "console.x.ai chat",
    Surface.IMAGE: "Pictures",
    Surface.IMAGE_EDIT: "Editing pictures",
    Surface.VIDEO: "Films",
}


def configuration() -> str:
    """The page of all settings."""
    titles = section_titles()
    lines = [_CONFIGURATION]
    section: str | None = None
    for row in SETTINGS:
        if row.section != section:
            section = row.section
            lines += _heading(section, titles)
        lines.append(_setting_row(row))
    return "\n".join(lines) + "\n"


def _heading(section: str, titles: Mapping[str, str]) -> Iterator[str]:
    if section:
        yield f"\n## `[{section}]`\n\n{titles[section]}\n"
    else:
        yield "\n## At the top\n"
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"


def _setting_row(row: Setting) -> str:
    marks = {
        "secret": row.about.secret,
        "at start": row.about.restart,
        "no effect in this version": row.about.reserved,
    }
    told = ", ".join(mark for mark, applies in marks.items() if applies)
    meaning = row.about.help + (f" *{told[0].upper()}{told[1:]}.*" if told else "")
    cells = (f"`{row.key}`", _type(row), row.about.derived or _default(row.default), meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _type(row: Setting) -> str:
    if row.kind is Kind.CHOICE:
        return " ".join(f"`{choice}`" for choice in row.choices)
    low, high = row.about.low, row.about.high
    if low is None:
        return row.kind
    return f"{row.kind}, {low:g} to {high:g}" if high is not None else f"{row.kind}, at least {low:g}"


def _default(value: Any) -> str:
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"`{value:.10g}`"
        case str():
            return f"`{value}`" if value else "empty"
        case Mapping() | tuple() if not value:
            return "empty"
        case _:
            return f"`{list(value)}`"


def models() -> str:
    """The page of all models."""
    lines = [_MODELS_PAGE]
    for surface, title in _SURFACES.items():
        lines.append(f"\n## {title}\n")
        rows = [model for model in MODELS if model.surface is surface]
        if not any(model.served for model in rows):
            lines.append("Known by name; this version does not serve them.\n")
        lines += ["| model | title | mode | tier | notes |", "|---|---|---|---|---|"]
        lines += [f"| `{m.name}` | {m.title} | {m.mode} | {m.tier} | {', '.join(_notes(m))} |" for m in rows]
    return "\n".join(lines) + "\n"


def aliases() -> str:
    """The page of all rules about names."""
    return _ALIASES_PAGE


def _notes(model: Model) -> Iterator[str]:
    if model.best_first:
        yield "best first"
    if model.upstream_name:
        yield f"upstream `{model.upstream_name}`"
    if model.effort:
        yield f"effort `{model.effort}`" + ("" if model.effort_fixed else " unless the request says")


PAGES: Mapping[str, Callable[[], str]] = {
    "configuration.md": configuration,
    "models.md": models,
    "aliases.md": aliases,
}


if __name__ == "__main__":
    sys.exit(write(PAGES))
