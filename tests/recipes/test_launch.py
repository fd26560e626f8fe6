"""What a started client gets: arguments before the user's, and an environment of its own."""

import json
import tomllib

import pytest

from grok2api.recipes.launch import LAUNCHES, arguments, environment, split
from grok2api.recipes.recipe import Connection
from grok2api.recipes.table import RECIPES

MADE = Connection(url="http://127.0.0.1:8000", key="the-key", model='m"o', small_model="s")


def child(program, environ=(), *, near=True):
    return environment(LAUNCHES[program], MADE, dict(environ), near=near)


def test_there_is_a_launch_for_every_program_of_the_table():
    assert {recipe.program for recipe in RECIPES if recipe.program} == set(LAUNCHES)


@pytest.mark.parametrize("program", LAUNCHES)
def test_the_user_s_words_stand_last_and_as_they_are(program):
    words = ["-p", "{key} {model}", "--", "--model", ""]
    made = arguments(LAUNCHES[program], MADE, words)
    assert made[len(made) - len(words) :] == words
    assert "the-key" not in json.dumps(made)


@pytest.mark.parametrize("program", LAUNCHES)
def test_what_the_user_has_stays_and_his_keys_for_others_do_not_lead_astray(program):
    before = {"PATH": "/bin", "HOME": "/home/me", "LANG": "de_DE.UTF-8"}
    made = child(program, before)
    assert {name: made[name] for name in before} == before
    assert "the-key" in made.values()


def test_claude_code_is_told_everything_by_its_environment():
    made = child(
        "claude",
        {
            "ANTHROPIC_API_KEY": "theirs",
            "ANTHROPIC_BASE_URL": "https://api.anthropic.com",
            "ANTHROPIC_MODEL": "opus",
            "CLAUDE_CODE_USE_BEDROCK": "1",
            "CLAUDE_CODE_OAUTH_TOKEN": "theirs",
        },
    )
    assert made.pop("ANTHROPIC_BASE_URL") == "http://127.0.0.1:8000"
    assert made.pop("ANTHROPIC_AUTH_TOKEN") == "the-key"
    assert made.pop("ANTHROPIC_DEFAULT_HAIKU_MODEL") == made.pop("ANTHROPIC_SMALL_FAST_MODEL") == "s"
    assert {
        made.pop(f"ANTHROPIC_{name}MODEL") for name in ("", "DEFAULT_OPUS_", "DEFAULT_SONNET_", "DEFAULT_FABLE_")
    } == {'m"o'}
    assert made == {
        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
        "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "200000",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1",
    }


def test_codex_is_told_by_options_that_are_toml():
    words = arguments(LAUNCHES["codex"], MADE, ["exec", "hello"])
    assert words[::2][:3] == ["-c", "-c", "-c"]
    settings = tomllib.loads("\n".join(words[1:6:2]))
    assert settings == {
        "model": 'm"o',
        "model_provider": "grok2api",
        "model_providers": {
            "grok2api": {
                "name": "grok2api",
                "base_url": "http://127.0.0.1:8000/v1",
                "env_key": "GROK2API_KEY",
                "wire_api": "responses",
            }
        },
    }
    assert words[6:] == ["exec", "hello"]
    assert child("codex", {"GROK2API_KEY": "another"}) == {"GROK2API_KEY": "the-key"}


@pytest.mark.parametrize(
    ("theirs", "kept"),
    [
        (None, {}),
        ("not JSON", {}),
        ("[1]", {}),
        ('{"theme": "dark", "model": "x", "provider": {"other": {"name": "o"}}}', {"theme": "dark"}),
    ],
)
def test_opencode_keeps_what_is_in_its_variable(theirs, kept):
    made = child("opencode", {} if theirs is None else {"OPENCODE_CONFIG_CONTENT": theirs})
    config = json.loads(made["OPENCODE_CONFIG_CONTENT"])
    assert "the-key" not in made["OPENCODE_CONFIG_CONTENT"]
    assert kept.items() <= config.items()
    assert ("other" in config["provider"]) == bool(kept)
    assert (config["model"], config["small_model"]) == ('grok2api/m"o', "grok2api/s")
    ours = config["provider"]["grok2api"]
    assert ours["options"] == {"baseURL": "http://127.0.0.1:8000/v1", "apiKey": "{env:GROK2API_KEY}"}
    assert set(ours["models"]) == {'m"o', "s"}


@pytest.mark.parametrize(
    ("environ", "near", "no_proxy"),
    [
        ({}, True, None),
        ({"HTTPS_PROXY": "http://p"}, False, None),
        ({"HTTPS_PROXY": "http://p"}, True, "127.0.0.1"),
        ({"all_proxy": "http://p", "NO_PROXY": "a, b"}, True, "a, b,127.0.0.1"),
        ({"http_proxy": "http://p", "NO_PROXY": "127.0.0.1"}, True, "127.0.0.1"),
        ({"http_proxy": "http://p", "NO_PROXY": "*"}, True, "*"),
    ],
)
def test_a_proxy_does_not_stand_before_this_machine(environ, near, no_proxy):
    assert child("codex", environ, near=near).get("NO_PROXY") == no_proxy


@pytest.mark.parametrize("known", [{}, {"no_proxy": "::1"}])
def test_an_address_of_six_is_named_once_and_without_its_brackets(known):
    made = environment(
        LAUNCHES["codex"],
        Connection(url="http://[::1]:8000", model="m", small_model="s"),
        {"HTTP_PROXY": "http://p", **known},
        near=True,
    )
    assert made["no_proxy"] == "::1"


@pytest.mark.parametrize(
    ("words", "ours", "theirs"),
    [
        ([], {}, []),
        (["-p", "hi", "--model", "x"], {}, ["-p", "hi", "--model", "x"]),
        (["--model", "x", "-p", "--url", "y"], {"--model": "x"}, ["-p", "--url", "y"]),
        (["--url=u", "--key", "k", "exec"], {"--url": "u", "--key": "k"}, ["exec"]),
        (["--", "--model", "x"], {}, ["--model", "x"]),
        (["--model", "x", "--", "--key"], {"--model": "x"}, ["--key"]),
        (["--help"], {}, ["--help"]),
        (["--model="], {"--model": ""}, []),
    ],
)
def test_ours_end_at_the_first_word_of_the_client(words, ours, theirs):
    assert split(words) == (ours, theirs)


def test_an_option_of_ours_has_a_value():
    with pytest.raises(ValueError, match="--key"):
        split(["--url", "u", "--key"])
