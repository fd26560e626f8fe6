"""Every endpoint of the admin API, once: the routes, the documents and the tests are made from this table. Pure."""

from grok2api.admin.assets import clear_assets, delete_asset, list_assets
from grok2api.admin.batch import batch_cache_clear, batch_nsfw, batch_refresh
from grok2api.admin.batch_tasks import cancel_task, show_task, stream_task
from grok2api.admin.cache import clear_cache, delete_cached, delete_cached_many, list_cache, show_cache
from grok2api.admin.changes import list_changes, undo_change
from grok2api.admin.config_change import change_config
from grok2api.admin.config_read import read_config, read_schema
from grok2api.admin.documents import read_docs, read_openapi
from grok2api.admin.route import Route
from grok2api.admin.status import read_status, read_storage, sync_accounts
from grok2api.admin.tokens_add import add_tokens
from grok2api.admin.tokens_bulk import bulk_tokens
from grok2api.admin.tokens_edit import edit_token
from grok2api.admin.tokens_explain import explain_token
from grok2api.admin.tokens_export import export_tokens
from grok2api.admin.tokens_import import import_tokens
from grok2api.admin.tokens_list import list_tokens
from grok2api.admin.tokens_remove import delete_invalid_tokens, delete_tokens
from grok2api.admin.tokens_replace import replace_pool, replace_pool_too, replace_tokens
from grok2api.admin.tokens_show import list_tags, show_token
from grok2api.admin.tokens_switch import switch_token, switch_tokens
from grok2api.admin.verify import verify

_STORE = ("storage_unavailable",)
_FILTER = ("invalid_pool", "invalid_status", *_STORE)
_NAMED = ("account_not_found", "too_many_tokens", "token_too_long", *_STORE)
_TAGS = ("too_many_tags", "tag_too_long")
_BATCH = ("invalid_concurrency", "too_many_tasks", *_NAMED)

ROUTES: tuple[Route, ...] = (
    # tokens
    Route(
        method="GET", path="/tokens", group="tokens", handler=list_tokens,
        says="Accounts, page by page.",
        codes=("invalid_page", "invalid_page_size", "invalid_sort", "invalid_order", *_FILTER),
    ),
    Route(
        method="POST", path="/tokens/add", group="tokens", handler=add_tokens,
        says="Add accounts.",
        codes=("invalid_pool", "too_many_tokens", "token_too_long", *_TAGS, *_STORE),
    ),
    Route(
        method="POST", path="/tokens", group="tokens", handler=replace_tokens,
        says="Replace the content of pools.",
        codes=("invalid_pool", "invalid_pool_payload", "too_many_tokens", "token_too_long", *_TAGS, *_STORE),
    ),
    Route(
        method="DELETE", path="/tokens", group="tokens", handler=delete_tokens,
        says="Delete accounts.",
        codes=_NAMED,
    ),
    Route(
        method="DELETE", path="/tokens/invalid", group="tokens", handler=delete_invalid_tokens,
        says="Delete the accounts that are expired.",
        codes=_STORE,
    ),
    Route(
        method="PUT", path="/tokens/edit", group="tokens", handler=edit_token,
        says="Change an account's token, pool or tags.",
        codes=("account_not_found", "token_conflict", "token_too_long", "invalid_pool", *_TAGS, *_STORE),
    ),
    Route(
        method="POST", path="/tokens/disabled", group="tokens", handler=switch_token,
        says="Disable or enable an account.",
        codes=("account_not_found", "token_too_long", *_STORE),
    ),
    Route(
        method="POST", path="/tokens/disabled/batch", group="tokens", handler=switch_tokens,
        says="Disable or enable accounts.",
        codes=_NAMED,
    ),
    Route(
        method="PUT", path="/pool", group="tokens", handler=replace_pool,
        says="Replace the content of one pool.",
        codes=("invalid_pool", "too_many_tokens", "token_too_long", *_TAGS, *_STORE),
    ),
    Route(
        method="PUT", path="/tokens/pool", group="tokens", handler=replace_pool_too,
        says="The same as `PUT pool`.",
        codes=("invalid_pool", "too_many_tokens", "token_too_long", *_TAGS, *_STORE),
    ),
    Route(
        method="POST", path="/tokens/bulk", group="tokens", handler=bulk_tokens,
        says="Change every account that fits a filter.",
        codes=("count_changed", "invalid_pool", "invalid_status", *_TAGS, *_NAMED),
    ),
    Route(
        method="GET", path="/tokens/export", group="tokens", handler=export_tokens,
        media=("application/json", "application/x-ndjson", "text/csv", "text/plain"),
        says="Accounts as a file.",
        codes=("invalid_format", *_FILTER),
    ),
    Route(
        method="POST", path="/tokens/import", group="tokens", handler=import_tokens,
        says="Add the accounts of a file, or say what that would do.",
        codes=("invalid_format", "invalid_pool", *_TAGS, *_STORE),
    ),
    Route(
        method="GET", path="/tokens/{id}", group="tokens", handler=show_token,
        says="One account.",
        codes=("account_not_found", *_STORE),
    ),
    Route(
        method="GET", path="/tokens/{id}/explain", group="tokens", handler=explain_token,
        says="What an account can do now, and why not more.",
        codes=("account_not_found",),
    ),
    Route(
        method="GET", path="/tags", group="tokens", handler=list_tags,
        says="Every tag, and how many accounts have it.",
        codes=_STORE,
    ),
    # changes
    Route(
        method="GET", path="/changes", group="changes", handler=list_changes,
        says="What was administered, the newest first.",
        codes=_STORE,
    ),
    Route(
        method="POST", path="/changes/{id}/undo", group="changes", handler=undo_change,
        says="Take a change back; possible for a day.",
        codes=("change_not_found", "change_not_undoable", *_STORE),
    ),
    # batch
    Route(
        method="POST", path="/batch/nsfw", group="batch", handler=batch_nsfw, abandons=True,
        says="Turn the switch for adult content of accounts on or off.",
        codes=("invalid_enabled", *_BATCH),
    ),
    Route(
        method="POST", path="/batch/refresh", group="batch", handler=batch_refresh, abandons=True,
        says="Ask the upstreams what accounts have left.",
        codes=_BATCH,
    ),
    Route(
        method="POST", path="/batch/cache-clear", group="batch", handler=batch_cache_clear, abandons=True,
        says="Delete the files that accounts keep at grok.com.",
        codes=_BATCH,
    ),
    Route(
        method="GET", path="/batch/{task_id}", group="batch", handler=show_task,
        says="Where a task stands.",
        codes=("task_not_found",),
    ),
    Route(
        method="GET", path="/batch/{task_id}/stream", group="batch", handler=stream_task, abandons=True,
        media=("text/event-stream",),
        says="Follow a task.",
        codes=("task_not_found",),
    ),
    Route(
        method="POST", path="/batch/{task_id}/cancel", group="batch", handler=cancel_task,
        says="End a task.",
        codes=("task_not_found",),
    ),
    # files
    Route(
        method="GET", path="/assets", group="files", handler=list_assets, abandons=True,
        says="The files that accounts keep at grok.com.",
        codes=("invalid_page", "invalid_page_size", *_STORE),
    ),
    Route(
        method="POST", path="/assets/delete-item", group="files", handler=delete_asset,
        says="Delete one of them.",
        codes=("account_not_found", "token_too_long", "upstream_error", *_STORE),
    ),
    Route(
        method="POST", path="/assets/clear-token", group="files", handler=clear_assets,
        says="Delete those of one account.",
        codes=("account_not_found", "token_too_long", "upstream_error", *_STORE),
    ),
    Route(
        method="GET", path="/cache", group="files", handler=show_cache,
        says="How much the media cache holds.",
    ),
    Route(
        method="GET", path="/cache/list", group="files", handler=list_cache,
        says="The files of the media cache.",
        codes=("invalid_page", "invalid_page_size"),
    ),
    Route(
        method="POST", path="/cache/clear", group="files", handler=clear_cache,
        says="Empty the media cache.",
    ),
    Route(
        method="POST", path="/cache/item/delete", group="files", handler=delete_cached,
        says="Delete a file of the media cache.",
        codes=("missing_file_name", "invalid_file_name", "file_not_found"),
    ),
    Route(
        method="POST", path="/cache/items/delete", group="files", handler=delete_cached_many,
        says="Delete files of the media cache.",
        codes=("missing_file_names", "invalid_file_name"),
    ),
    # configuration
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
    # system
    Route(method="GET", path="/verify", group="system", handler=verify, says="Whether the key is the admin key."),
    Route(
        method="GET", path="/status", group="system", handler=read_status,
        says="How the gateway stands.",
    ),
    Route(
        method="GET", path="/storage", group="system", handler=read_storage,
        says="Which database holds the accounts, and whether it is there.",
    ),
    Route(
        method="POST", path="/sync", group="system", handler=sync_accounts,
        says="Take over what was administered elsewhere.",
        codes=_STORE,
    ),
    Route(
        method="GET", path="/openapi.json", group="system", handler=read_openapi,
        says="This API as an OpenAPI document.",
    ),
    Route(
        method="GET", path="/docs", group="system", handler=read_docs, media=("text/html",),
        says="This API as a page, with a form to try each call.",
    ),
)  # fmt: skip
