"""Recipes of the agents that write code. Pure data.

Sources: the clients' own documentation and what they were seen to send (Claude Code 2.1.330, Codex 0.169.0, opencode
1.18.33, aider 0.86.2, Continue 1.5.47, Cline and Cursor of autumn 2026).
"""

from collections.abc import Mapping
from typing import Any

from grok2api.recipes.recipe import EXPORT, KEY_VARIABLE, MESSAGES, RESPONSES, Form, Purpose, Recipe, Step

#: What Claude Code is told by its environment, but for the key. The four tiers are what sub-agents and old settings ask
#: for; ANTHROPIC_SMALL_FAST_MODEL is the name that versions before 2 have for the smallest. A model that it does not
#: know is taken for one with a million tokens of context, so it is told after how many to shorten a session.
CLAUDE_ENVIRONMENT: Mapping[str, str] = {
    "ANTHROPIC_BASE_URL": "{url}",
    "ANTHROPIC_MODEL": "{model}",
    "ANTHROPIC_DEFAULT_FABLE_MODEL": "{model}",
    "ANTHROPIC_DEFAULT_OPUS_MODEL": "{model}",
    "ANTHROPIC_DEFAULT_SONNET_MODEL": "{model}",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": "{small_model}",
    "ANTHROPIC_SMALL_FAST_MODEL": "{small_model}",
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
    "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "200000",
}

#: Tokens. opencode never shortens a session of a model without a limit; this one is careful.
_LIMIT = {"context": 256_000, "output": 32_000}

#: opencode's configuration; the same in its file and in the variable that `grok2api run` sets.
OPENCODE: Mapping[str, Any] = {
    "$schema": "https://opencode.ai/config.json",
    "provider": {
        "grok2api": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "grok2api",
            "options": {"baseURL": "{openai_url}", "apiKey": f"{{env:{KEY_VARIABLE}}}"},
            "models": {
                "{model}": {"name": "{model}", "limit": _LIMIT},
                "{small_model}": {"name": "{small_model}", "limit": _LIMIT},
            },
        }
    },
    "model": "{our_model}",
    "small_model": "{our_small_model}",
}

AGENTS: tuple[Recipe, ...] = (
    Recipe(
        name="claude-code",
        tried="Claude Code 2.1.330",
        title="Claude Code",
        purpose=Purpose.AGENT,
        speaks=(MESSAGES,),
        bare=True,
        program="claude",
        keeps="~/.claude/settings.json, and .claude/settings.json in a project",
        steps=(
            Step(
                do="In the shell that starts it",
                form=Form.SHELL,
                body="\n".join(
                    [
                        "unset ANTHROPIC_API_KEY",
                        "export ANTHROPIC_AUTH_TOKEN={key}",
                        *(f"export {name}={value}" for name, value in CLAUDE_ENVIRONMENT.items()),
                    ]
                ),
            ),
            Step(
                do="Or for good, in ~/.claude/settings.json; the key then stays in the variable ANTHROPIC_AUTH_TOKEN",
                form=Form.JSON,
                body={"env": CLAUDE_ENVIRONMENT},
            ),
        ),
        check="type `claude -p hello`; in a session `/status` names the base URL and where the token comes from.",
        pitfalls=(
            "The base URL has no `/v1`: Claude Code adds it itself.",
            "ANTHROPIC_API_KEY, where it is set, is preferred to ANTHROPIC_AUTH_TOKEN or asked about; so take it out.",
            (
                "The table `env` of ~/.claude/settings.json wins over the variables of the shell. "
                "`grok2api run claude` has its own win, and touches no file."
            ),
            (
                "Sub-agents and background work ask for the models of the tiers Opus, Sonnet and Haiku. Without the "
                "variables for them they send names like claude-haiku-4-5, which the gateway's aliases then decide on."
            ),
            (
                "It says that it does not know the model, and takes its context for a million tokens. "
                "CLAUDE_CODE_AUTO_COMPACT_WINDOW above has it shorten long sessions in time."
            ),
        ),
    ),
    Recipe(
        name="codex",
        tried="Codex 0.169.0",
        title="Codex",
        purpose=Purpose.AGENT,
        speaks=(RESPONSES,),
        program="codex",
        keeps="~/.codex/config.toml, or config.toml in $CODEX_HOME",
        steps=(
            EXPORT,
            Step(
                do="In ~/.codex/config.toml; the first two lines belong above every table",
                form=Form.TOML,
                body=f"""
model = {{model}}
model_provider = "grok2api"

[model_providers.grok2api]
name = "grok2api"
base_url = {{openai_url}}
env_key = "{KEY_VARIABLE}"
wire_api = "responses"
""",
            ),
        ),
        check="type `codex exec --skip-git-repo-check hello`; its first lines name the model and the provider.",
        pitfalls=(
            'wire_api = "chat" is refused by current versions, and so are [profiles.…] tables inside config.toml.',
            "A project's .codex/config.toml cannot choose a provider; the file in your home has to.",
            (
                "It warns that it has no metadata for the model, takes its context for 272,000 tokens and offers no "
                "apply_patch. The answer of GET /v1/models?client_version=1, saved to a file in ~/.codex whose name "
                "stands in model_catalog_json, ends all three."
            ),
            (
                "It repeats a failed request by itself: request_max_retries and stream_max_retries of the provider "
                "say how often."
            ),
        ),
    ),
    Recipe(
        name="opencode",
        tried="opencode 1.18.33",
        title="opencode",
        purpose=Purpose.AGENT,
        program="opencode",
        keeps="~/.config/opencode/opencode.json, and opencode.json in a project",
        steps=(
            EXPORT,
            Step(do="In ~/.config/opencode/opencode.json", form=Form.JSON, body=OPENCODE),
        ),
        check="type `opencode run hello`; `opencode models grok2api` lists the models of the file.",
        pitfalls=(
            "It shows only the models that its file names: add a line for each model that you use.",
            "It shortens long sessions by the `limit` of the model, and never where there is none.",
            "A project's opencode.json wins over the one in your home.",
            "A model is named with its provider in front: grok2api/MODEL.",
        ),
    ),
    Recipe(
        name="aider",
        tried="aider 0.86.2",
        title="aider",
        purpose=Purpose.AGENT,
        keeps="~/.aider.conf.yml, and .aider.conf.yml in a repository",
        steps=(
            Step(do="In the shell that starts it", form=Form.SHELL, body="export OPENAI_API_KEY={key}"),
            Step(
                do="In ~/.aider.conf.yml",
                form=Form.YAML,
                body="""
openai-api-base: {openai_url}
model: {openai_model}
weak-model: {openai_small_model}
show-model-warnings: false
""",
            ),
        ),
        check="type `aider --message hello --no-git`.",
        pitfalls=(
            "The model needs `openai/` in front, which is not sent: it says which of its clients aider uses.",
            "Without `weak-model` commit messages are asked of the main model.",
            "It does not know the size of the model's context and warns of that; `show-model-warnings` is for that.",
        ),
    ),
    Recipe(
        name="cursor",
        title="Cursor",
        purpose=Purpose.AGENT,
        keeps="its own settings, by the window Cursor Settings",
        steps=(
            Step(
                do="In Cursor Settings, Models, API Keys",
                form=Form.TEXT,
                body="""
OpenAI API Key: {key}
Override OpenAI Base URL: {openai_url}
Add a custom model: {model}
""",
            ),
        ),
        check="choose the model in a new chat and say hello.",
        pitfalls=(
            (
                "Requests come from Cursor's servers and not from your machine: the gateway needs an address that "
                "the whole internet can reach, with TLS and with app.api_key set. 127.0.0.1 cannot work."
            ),
            "While the override is on it holds for all OpenAI models of Cursor; turn those off, or the override.",
            (
                "For names with gpt, claude or gemini in them Cursor sends bodies of another form to the chat "
                "endpoint. Add models by their own names here."
            ),
            "Tab completion and some agent features always use Cursor's own models.",
        ),
    ),
    Recipe(
        name="cline",
        title="Cline",
        purpose=Purpose.AGENT,
        keeps="the extension's own store, by its settings panel",
        steps=(
            Step(
                do="In Cline's settings (the gear in its panel)",
                form=Form.TEXT,
                body="""
API Provider: OpenAI Compatible
Base URL: {openai_url}
API Key: {key}
Model ID: {model}
""",
            ),
        ),
        check="start a task that reads a file of the project.",
        pitfalls=(
            "In a remote workspace or a container the extension runs there: 127.0.0.1 is that machine then.",
            "Under Model Configuration set the size of the context; Cline shortens conversations by it.",
        ),
    ),
    Recipe(
        name="continue",
        tried="Continue's cn 1.5.47",
        title="Continue",
        purpose=Purpose.AGENT,
        keeps="~/.continue/config.yaml, keys in ~/.continue/.env",
        steps=(
            Step(do="In ~/.continue/.env", form=Form.DOTENV, body=f"{KEY_VARIABLE}={{key}}"),
            Step(
                do="In ~/.continue/config.yaml",
                form=Form.YAML,
                body=f"""
name: grok2api
version: 1.0.0
schema: v1
models:
  - name: Grok
    provider: openai
    model: {{model}}
    apiBase: {{openai_url}}
    apiKey: ${{{{ secrets.{KEY_VARIABLE} }}}}
    roles: [chat, edit, apply]
    capabilities: [tool_use, image_input]
""",
            ),
        ),
        check="type `cn -p hello`, or choose Grok in the extension's list of models.",
        pitfalls=(
            "Without `capabilities: [tool_use]` a model that it does not know gets no tools, and agent mode is off.",
            "Secrets are read from .env files; variables of the shell are not looked at by the extension.",
            "No model here is made for `autocomplete`, `embed` or `rerank`; leave those roles to others.",
        ),
    ),
)
