"""What a name leads to, as a table, and as properties."""

from typing import get_args

import pytest
from anthropic.types.model import Model as AnthropicModel
from hypothesis import given
from hypothesis import strategies as st

from grok2api.aliases import DEFAULTS, EFFORTS, PROVIDERS, WELL_KNOWN, Aliases, Choice, split_effort, targets
from grok2api.catalog import BY_NAME, MODELS, Surface
from grok2api.patterns import is_pattern

OWN = {
    "my-model": "grok-4.3-console",
    "fixed": "grok-4.3-low",
    "listed": "grok-4.20-heavy, grok-4.3-console-xhigh",
    "openai/exact": "grok-4.20-fast",
    "claude-*": "grok-4.20-auto",
    "claude-haiku-*": "grok-4.3-console-low",
    "gpt-?": "grok-4.20-fast",
    "*-high": "grok-4.20-expert",
    "quiet-*": "grok-4.20-fast-none",
}
ALIASES = Aliases(OWN)
CHAT = [model.name for model in MODELS if model.surface in (Surface.WEB_CHAT, Surface.CONSOLE_CHAT)]


def said(aliases: Aliases, name: str) -> list[str]:
    """What a name leads to, in short: `model`, `model effort`, and a `!` for an effort that the client asked for."""
    return [
        f"{choice.model.name} {choice.effort or ''}{'!' * choice.asked}".strip() for choice in aliases.resolve(name)
    ]


@pytest.mark.parametrize(
    ("name", "leads_to"),
    [
        ("grok-4.3-console", ["grok-4.3-console"]),
        ("grok-4.3-low", ["grok-4.3-low"]),  # a model of that very name, and no effort
        ("grok-4.20-multi-agent-xhigh", ["grok-4.20-multi-agent-xhigh"]),
        ("grok-4.3-console-low", ["grok-4.3-console low!"]),
        ("grok-4.3-console-minimal", ["grok-4.3-console minimal!"]),
        ("grok-4.3-console-none", ["grok-4.3-console none!"]),
        ("grok-4.3-low-high", ["grok-4.3-low high!"]),  # its effort is fixed: reported as without effect
        ("grok-4.20-fast-xhigh", ["grok-4.20-fast xhigh!"]),
        ("grok-imagine-image-high", ["grok-4.20-expert"]),  # pictures know no effort, so it is only a name
        ("my-model", ["grok-4.3-console"]),
        ("my-model-high", ["grok-4.3-console high!"]),
        ("my-model-max", []),
        ("fixed-medium", ["grok-4.3-low medium!"]),
        ("listed", ["grok-4.20-heavy", "grok-4.3-console xhigh"]),
        ("listed-low", ["grok-4.20-heavy low!", "grok-4.3-console low!"]),
        ("claude-opus-4-5", ["grok-4.20-auto"]),
        ("claude-haiku-4-5-20251001", ["grok-4.3-console low"]),
        ("claude-haiku-4-5-medium", ["grok-4.3-console medium!"]),
        ("claude-haiku-4-5-high", ["grok-4.3-console high!"]),  # the longer pattern, not `*-high`
        ("claude-opus-4-5-high", ["grok-4.20-auto high!"]),
        ("gpt-9", ["grok-4.20-fast"]),
        ("gpt-9-low", ["grok-4.20-fast low!"]),
        ("anything-high", ["grok-4.20-expert"]),  # the rule itself is about names that end so
        ("quiet-one", ["grok-4.20-fast none"]),
        ("claude-opus-4-5[1m]", ["grok-4.20-auto"]),
        ("grok-4.3-console[1M]", ["grok-4.3-console"]),
        ("xai/grok-4.3-console", ["grok-4.3-console"]),
        ("models/grok-4.3-console-low[1m]", ["grok-4.3-console low!"]),
        ("anthropic/claude-haiku-4-5", ["grok-4.3-console low"]),
        ("openai/exact", ["grok-4.20-fast"]),
        ("other/grok-4.3-console", []),
        ("xai/", []),
        ("grok-4.3-fats", []),
        ("Claude-opus", []),
        ("", []),
        ("claude-" + "x" * 249, ["grok-4.20-auto"]),
        ("claude-" + "x" * 250, []),
        ("-low", []),
    ],
)
def test_what_a_name_leads_to(name: str, leads_to: list[str]) -> None:
    assert said(Aliases(OWN, defaults=False), name) == leads_to


@pytest.mark.parametrize(
    ("names", "first", "last"),
    [
        ("claude-opus-5-5 claude-3-opus-latest claude-mythos-5-2 gpt-5-pro o1 o3 o3-pro",
         "grok-4.3-console high", "fast"),
        ("claude-sonnet-4-5-20250929 claude-fable-5 gpt-5.5 gpt-4o chatgpt-4o-latest gpt-oss-120b gpt-5.1-codex-max",
         "grok-4.3-console", "fast"),
        ("claude-3-5-haiku-20241022 gpt-4o-mini gpt-5-nano gpt-3.5-turbo o4-mini codex-mini-latest gpt-5.1-codex-mini",
         "grok-4.3-console low", "fast"),
        ("gpt-image-1 gpt-image-1-mini dall-e-3", "grok-imagine-image", "grok-imagine-image-edit"),
        ("sora-2 sora-2-pro", "grok-imagine-video", "grok-imagine-video"),
    ],
)  # fmt: skip
def test_the_built_in_rules(names: str, first: str, last: str) -> None:
    for name in names.split():
        found = said(Aliases(), name)
        assert (name, found[0]) == (name, first)
        assert found[-1].endswith(last)
        assert said(Aliases(defaults=False), name) == []


@pytest.mark.parametrize(
    "name", ["claude-x", "claude-", "gpt-x", "gpt-nonexistent", "o9", "codex", "llama-3", "grok-4.3"]
)
def test_names_that_nobody_has_stay_unknown(name: str) -> None:
    assert Aliases().resolve(name) == ()


def test_an_effort_behind_a_built_in_name_is_the_clients() -> None:
    assert said(Aliases(), "o3-mini-high")[0] == "grok-4.3-console high!"
    assert said(Aliases(), "claude-opus-5-5-low")[0] == "grok-4.3-console low!"


def test_the_operators_rules_come_before_the_built_in_ones_however_general() -> None:
    aliases = Aliases({"*": "grok-4.20-fast"})
    assert said(aliases, "claude-opus-5-5") == ["grok-4.20-fast"]
    assert said(aliases, "anything") == ["grok-4.20-fast"]
    assert said(aliases, "grok-4.3-console") == ["grok-4.3-console"], "a model is itself"


def test_every_chat_rule_of_ours_begins_with_what_every_web_account_can_use_and_ends_at_grok_com() -> None:
    for rule, value in DEFAULTS.items():
        models = [choice.model for choice in targets(value)]
        assert is_pattern(rule)
        if models[0].surface is Surface.CONSOLE_CHAT:
            assert (models[-1].surface, models[-1].mode) == (Surface.WEB_CHAT, "fast")


def test_the_names_that_are_listed_are_names_of_anthropics() -> None:
    assert set(WELL_KNOWN) <= set(get_args(get_args(AnthropicModel)[0]))
    assert all(Aliases().resolve(name) for name in WELL_KNOWN)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("grok-4.20-fats", "grok-4.20-fats"),
        ("grok-4.20-fast, nope", "nope"),
        ("", ""),
        ("grok-4.3-console,", ""),
        ("grok-4.3-low-high", "grok-4.3-low-high"),  # fixed
        ("grok-4.20-fast-high", "grok-4.20-fast-high"),  # grok.com knows none
        ("grok-build-console-low", "grok-build-console-low"),
        ("grok-imagine-image-low", "grok-imagine-image-low"),
        ("claude-opus", "claude-opus"),  # no alias of an alias
    ],
)
def test_a_target_must_be_a_model_with_an_effort_that_it_heeds(value: str, wrong: str) -> None:
    with pytest.raises(ValueError) as error:
        targets(value)
    assert str(error.value) == wrong


names = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", *PROVIDERS]),
        st.sampled_from([*BY_NAME, *OWN, *WELL_KNOWN, "o3-mini", "x"]),
        st.sampled_from(["", *(f"-{effort}" for effort in EFFORTS)]),
        st.sampled_from(["", "[1m]"]),
    ),
)


@given(names)
def test_any_name_leads_to_served_models_or_nowhere_and_always_to_the_same(name: str) -> None:
    choices = ALIASES.resolve(name)
    assert choices == ALIASES.resolve(name)
    assert all(choice.model.served and (choice.effort in (None, *EFFORTS)) for choice in choices)
    assert not any(choice.asked for choice in choices) or split_effort(name.removesuffix("[1m]"))[1]


@given(st.sampled_from(CHAT), st.sampled_from(EFFORTS), st.sampled_from(PROVIDERS))
def test_decoration_changes_how_and_never_which(model: str, effort: str, provider: str) -> None:
    row = BY_NAME[model]
    assert ALIASES.resolve(provider + model) == ALIASES.resolve(f"{model}[1m]") == (Choice(row),)
    if f"{model}-{effort}" not in BY_NAME:
        assert ALIASES.resolve(f"{provider}{model}-{effort}") == (Choice(row, effort, asked=True),)
