"""From the name that a client asks for to the models that may answer: what `[aliases]` and the built-in rules say.

Pure. In this order, the first that knows the name decides:

1. a model of that very name, then an alias of that very name;
2. one of these with an effort behind it: `grok-4.3-console-low`, `my-alias-high`;
3. the operator's patterns, then the built-in ones (`DEFAULTS`), each the most particular first (`patterns`).

A name is tried as it came, then without a window (`[1m]`, which Claude Code writes behind a name), then without the
provider that relays put before it (`openai/`). What a rule leads to may be several models, in order of preference:
which of them the accounts can serve is not known here.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from grok2api.catalog import BY_NAME, Model, Surface
from grok2api.patterns import Patterns

#: Efforts that may stand behind a name. `max` is none of them: there are models whose name ends so.
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
#: Providers that clients and relays put before a name.
PROVIDERS = ("xai/", "x-ai/", "grok/", "openai/", "anthropic/", "models/")

#: Characters of a name that anybody could mean.
LONGEST_NAME = 256

_WINDOW = re.compile(r"\[[0-9]+[kKmM]\]\Z")

#: What the built-in rules lead to: first what has tools of its own and is open to every web account, then grok.com.
_STRONG = "grok-4.3-console-high, grok-4.20-expert, grok-4.20-auto, grok-4.20-fast"
_MIDDLE = "grok-4.3-console, grok-4.20-auto, grok-4.20-fast"
_QUICK = "grok-4.3-console-low, grok-4.3-fast"
_PICTURES = "grok-imagine-image, grok-imagine-image-lite, grok-imagine-image-edit"

#: The built-in rules, for families of names that clients ask for by themselves. The operator's own come before them.
#: They are no wider than that: a name that nobody has stays unknown.
DEFAULTS: Mapping[str, str] = {
    "claude-*opus*":   _STRONG,
    "claude-*mythos*": _STRONG,
    "claude-*sonnet*": _MIDDLE,
    "claude-*fable*":  _MIDDLE,
    "claude-*haiku*":  _QUICK,
    "gpt-4*":          _MIDDLE,
    "gpt-5*":          _MIDDLE,
    "gpt-6*":          _MIDDLE,
    "gpt-oss-*":       _MIDDLE,
    "chatgpt-*":       _MIDDLE,
    "gpt-3.5*":        _QUICK,
    "gpt-?*-pro*":     _STRONG,
    "gpt-?*-mini*":    _QUICK,
    "gpt-?*-nano*":    _QUICK,
    "codex-mini*":     _QUICK,
    "o1*":             _STRONG,
    "o3*":             _STRONG,
    "o4*":             _STRONG,
    "o?-mini*":        _QUICK,
    "gpt-image-*":     _PICTURES,
    "dall-e-*":        _PICTURES,
    "sora-*":          "grok-imagine-video",
}  # fmt: skip

#: Names that are listed, as far as a rule leads to a model that can be served, to clients that look for `claude-…`.
WELL_KNOWN = (
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-opus-4-5",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
)


class Choice(msgspec.Struct, frozen=True):
    """A model that may answer, and the effort that goes with it when the request itself names none.

    asked: whether the client put that effort behind the name, and is told when it has no effect.
    """

    model: Model
    effort: str | None = None
    asked: bool = False


class Aliases:
    """The rules in force: the operator's table, whose values `targets` takes, and the built-in ones."""

    def __init__(self, table: Mapping[str, str] | None = None, *, defaults: bool = True) -> None:
        own = {key: targets(value) for key, value in (table or {}).items()}
        self._own = Patterns(own)
        self._defaults = _DEFAULTS if defaults else _NONE

    def names(self) -> Sequence[str]:
        """The operator's aliases that are one name each, in the order of the table."""
        return tuple(self._own.exact)

    def resolve(self, name: str) -> tuple[Choice, ...]:
        """The models that may answer to a name, the preferred first; nothing when nobody knows it."""
        if len(name) > LONGEST_NAME:
            return ()
        spelled = _spellings(name)
        return (
            next(filter(None, map(self._exact, spelled)), ())
            or next(filter(None, map(self._exact_with_effort, spelled)), ())
            or _by_pattern(self._own, spelled)
            or _by_pattern(self._defaults, spelled)
        )

    def _exact(self, name: str) -> tuple[Choice, ...]:
        model = BY_NAME.get(name)
        return (Choice(model),) if model is not None else self._own.exact.get(name, ())

    def _exact_with_effort(self, name: str) -> tuple[Choice, ...]:
        base, effort = split_effort(name)
        return _asked(self._exact(base), effort) if effort else ()


def split_effort(name: str) -> tuple[str, str]:
    """A name without the effort behind it, and the effort; empty when there is none."""
    base, _, last = name.rpartition("-")
    return (base, last) if base and last in EFFORTS else (name, "")


def targets(value: str) -> tuple[Choice, ...]:
    """What the value of an alias leads to. Raises `ValueError` with the part that is no served model."""
    return tuple(_target(part.strip()) for part in value.split(","))


def _target(part: str) -> Choice:
    model = BY_NAME.get(part)
    if model is not None and model.served:
        return Choice(model)
    base, effort = split_effort(part)
    model = BY_NAME.get(base)
    if effort and model is not None and model.served and _heeds(model, effort):
        return Choice(model, effort)
    raise ValueError(part)


def _heeds(model: Model, effort: str) -> bool:
    """Whether an effort has an effect: grok.com knows none, and none at all hides the thinking."""
    if model.surface is Surface.WEB_CHAT:
        return effort == "none"
    return model.effort is not None and not model.effort_fixed


def _spellings(name: str) -> tuple[str, ...]:
    plain = _WINDOW.sub("", name)
    bare = next((plain[len(provider) :] for provider in PROVIDERS if plain.startswith(provider)), plain)
    return tuple(dict.fromkeys((name, plain, bare)))


def _asked(choices: Sequence[Choice], effort: str) -> tuple[Choice, ...]:
    """The same models with the effort that the client put behind the name; those that draw and film have none."""
    return tuple(Choice(choice.model, effort, asked=True) for choice in choices if choice.model.talks)


def _by_pattern(rules: Patterns[tuple[Choice, ...]], spelled: Sequence[str]) -> tuple[Choice, ...]:
    return next(filter(None, (_fitting(rules, name) for name in spelled)), ())


def _fitting(rules: Patterns[tuple[Choice, ...]], name: str) -> tuple[Choice, ...]:
    """An effort behind the name counts, unless the rule itself is about names that end so."""
    base, effort = split_effort(name)
    for rule, choices in rules.fitting(name, base):
        return _asked(choices, effort) or choices if effort and not rule.endswith(f"-{effort}") else choices
    return ()


_NONE: Patterns[tuple[Choice, ...]] = Patterns({})
_DEFAULTS = Patterns({key: targets(value) for key, value in DEFAULTS.items()})
