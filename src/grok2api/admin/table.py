"""Every endpoint of the admin API, once: the routes, the documents and the tests are made from this table. Pure."""

from grok2api.admin.config_change import change_config
from grok2api.admin.config_read import read_config, read_schema
from grok2api.admin.documents import read_docs, read_openapi
from grok2api.admin.route import Route
from grok2api.admin.verify import verify

ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/verify", group="system", handler=verify, says="Whether the key is the admin key."),
    Route(
        method="GET", path="/config", group="configuration", handler=read_config,
        says="The settings in force, as a tree; secrets are masked.",
    ),
    Route(
        method="POST", path="/config", group="configuration", handler=change_config,
        says="Change settings: in force at once, and kept in the configuration file.",
        codes=("invalid_config", "startup_only_config", "overridden_config"),
    ),
    Route(
        method="GET", path="/config/schema", group="configuration", handler=read_schema,
        says="What a form for the settings must know: kinds, limits, defaults, where a value comes from.",
    ),
    Route(
        method="GET", path="/openapi.json", group="system", handler=read_openapi,
        says="This API as an OpenAPI document.",
    ),
    Route(
        method="GET", path="/docs", group="system", handler=read_docs, media="text/html",
        says="This API as a page, with a form to try each call.",
    ),
)  # fmt: skip
