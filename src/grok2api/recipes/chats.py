"""Recipes of chat programs, and of gateways that stand in front of this one. Pure data.

Sources: the programs' own documentation, as of autumn 2026.
"""

from grok2api.recipes.recipe import CHAT, EXPORT, KEY_VARIABLE, MESSAGES, Form, Recipe, Step

_CONTAINER = (
    "In a container 127.0.0.1 is the container itself: use the address of the host, on Docker "
    "http://host.docker.internal:8000 with --add-host=host.docker.internal:host-gateway."
)

CHATS: tuple[Recipe, ...] = (
    Recipe(
        name="open-webui",
        title="Open WebUI",
        keeps="its database, by Admin Settings; the environment is read at the first start",
        steps=(
            Step(
                do="In Admin Settings, Connections, OpenAI, Add Connection",
                form=Form.TEXT,
                body="""
URL: {openai_url}
Key: {key}
""",
            ),
            Step(
                do="Or by the environment of its first start",
                form=Form.DOTENV,
                body="""
ENABLE_OPENAI_API=true
OPENAI_API_BASE_URL={openai_url}
OPENAI_API_KEY={key}
TASK_MODEL_EXTERNAL={small_model}
""",
            ),
        ),
        check="the list of models in a new chat shows the gateway's.",
        pitfalls=(
            _CONTAINER,
            "After the first start the database wins over the environment; change the connection in the settings.",
            (
                "Titles, tags and follow-up questions are further requests with every answer. Give them a small "
                "model under Admin Settings, Interface, or turn them off."
            ),
        ),
    ),
    Recipe(
        name="librechat",
        title="LibreChat",
        keeps="librechat.yaml and .env beside it",
        steps=(
            Step(do="In .env", form=Form.DOTENV, body=f"{KEY_VARIABLE}={{key}}"),
            Step(
                do="In librechat.yaml",
                form=Form.YAML,
                body=f"""
version: 1.3.17
endpoints:
  custom:
    - name: grok2api
      apiKey: "${{{KEY_VARIABLE}}}"
      baseURL: {{openai_url}}
      models:
        default: [{{model}}, {{small_model}}]
        fetch: true
      titleConvo: true
      titleModel: {{small_model}}
      modelDisplayLabel: Grok
""",
            ),
        ),
        check="after a restart grok2api is among the endpoints, with the gateway's models.",
        pitfalls=(
            _CONTAINER,
            "librechat.yaml has to be mounted into the container, and is read at the start only.",
            "Where LibreChat refuses an address of your own network, `allowedAddresses` lets it through.",
        ),
    ),
    Recipe(
        name="cherry-studio",
        title="Cherry Studio",
        speaks=(CHAT, MESSAGES),
        bare=True,
        keeps="its own store, by Settings",
        steps=(
            Step(
                do="In Settings, Model Provider, Add",
                form=Form.TEXT,
                body="""
Provider Type: OpenAI
API Key: {key}
API Host: {url}
Model: {model}
""",
            ),
        ),
        check="press Check beside the key.",
        pitfalls=(
            "The host has no `/v1`: Cherry Studio adds it, and shows under the field what it will ask.",
            "Press Manage to take models from the gateway's list; it does not show them by itself.",
        ),
    ),
    Recipe(
        name="sillytavern",
        title="SillyTavern",
        keeps="settings.json and secrets.json in its data directory, by its window",
        steps=(
            Step(
                do="In API Connections",
                form=Form.TEXT,
                body="""
API: Chat Completion
Chat Completion Source: Custom (OpenAI-compatible)
Custom Endpoint (Base URL): {openai_url}
Custom API Key: {key}
Model: {model}
""",
            ),
        ),
        check="press Connect; the models of the gateway are in the list below.",
        pitfalls=(
            "The base URL ends with /v1, without /chat/completions.",
            "Samplers that the upstreams do not have are not sent on; the header x-grok2api-ignored names them.",
        ),
    ),
    Recipe(
        name="new-api",
        title="new-api (as a relay in front)",
        bare=True,
        keeps="its database, by its console",
        steps=(
            Step(
                do="In Channels, Add Channel",
                form=Form.TEXT,
                body="""
Type: OpenAI
Name: grok2api
Key: {key}
Base URL: {url}
Models: {model},{small_model}
""",
            ),
        ),
        check="press Test in the channel's row.",
        pitfalls=(
            "The base URL has no `/v1`: new-api adds it.",
            (
                "It retries on other channels by itself, after the gateway has tried other accounts; keep its "
                "number of retries small."
            ),
            "Requests of all its users come with one key, so the gateway cannot tell them apart.",
        ),
    ),
    Recipe(
        name="litellm",
        tried="LiteLLM 1.108.7",
        title="LiteLLM (as a relay in front)",
        keeps="config.yaml, given by --config",
        steps=(
            EXPORT,
            Step(
                do="A key for those who ask LiteLLM; it does not start without one",
                form=Form.SHELL,
                body='export LITELLM_MASTER_KEY="sk-$(openssl rand -hex 24)"',
            ),
            Step(
                do="In config.yaml, started by `litellm --config config.yaml`",
                form=Form.YAML,
                body=f"""
model_list:
  - model_name: "*"
    litellm_params:
      model: "openai/*"
      api_base: {{openai_url}}
      api_key: os.environ/{KEY_VARIABLE}
litellm_settings:
  num_retries: 0
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
""",
            ),
        ),
        check="ask LiteLLM's own /v1/chat/completions, with its own key, for one of the gateway's models.",
        pitfalls=(
            "`openai/` in front of a model says which of its clients LiteLLM uses; it is not sent.",
            "The gateway tries other accounts itself; retries of LiteLLM come on top of that.",
            "It knows no prices for these models, so its budgets count nothing.",
        ),
    ),
)
