"""Every error code of the admin API, with the status that it is answered with and what it means.

Pure. Endpoints refuse by code; the kind, and with it the status and the type in the envelope, is looked up here.
"""

from collections.abc import Mapping

import msgspec

from grok2api.canonical.problem import Kind, Problem, Refusal


class Code(msgspec.Struct, frozen=True):
    """One row."""

    kind: Kind
    says: str


CODES: Mapping[str, Code] = {
    # every endpoint
    "invalid_api_key":            Code(Kind.UNAUTHENTICATED, "The admin key is missing or wrong."),
    "method_not_allowed":         Code(Kind.METHOD, "The path takes another method."),
    "not_found":                  Code(Kind.NOT_FOUND, "There is no such path."),
    "draining":                   Code(Kind.DRAINING, "The gateway is shutting down."),
    "internal_error":             Code(Kind.INTERNAL, "A bug of the gateway; its log has the details."),
    "storage_unavailable":        Code(Kind.UNAVAILABLE, "The database is away; nothing was changed."),
    # bodies and parameters
    "invalid_json":               Code(Kind.INVALID, "The body is not JSON, or not of the right kind."),
    "duplicate_key":              Code(Kind.INVALID, "A key stands twice in one object."),
    "invalid_value":              Code(Kind.INVALID, "A value is not allowed; `param` names the field."),
    "missing_required_parameter": Code(Kind.INVALID, "A field is missing; `param` names it."),
    "request_body_too_large":     Code(Kind.TOO_LARGE, "The body is larger than `server.max_body_mb`."),
    "unsupported_encoding":       Code(Kind.MEDIA_TYPE, "The content-encoding is not known."),
    "invalid_encoding":           Code(Kind.INVALID, "The body is not what its content-encoding says."),
    "request_timeout":            Code(Kind.INVALID, "The body did not arrive in time."),
    "invalid_page":               Code(Kind.INVALID, "`page` is not a whole number of at least 1."),
    "invalid_page_size":          Code(Kind.INVALID, "`page_size` is not a whole number from 1 to 1000."),
    "invalid_pool":               Code(Kind.INVALID, "There is no such pool."),
    "invalid_pool_payload":       Code(Kind.INVALID, "A pool's content is not a list of tokens."),
    "invalid_status":             Code(Kind.INVALID, "There is no such status."),
    "invalid_sort":               Code(Kind.INVALID, "The list cannot be sorted by that."),
    "invalid_order":              Code(Kind.INVALID, "The order is neither `asc` nor `desc`."),
    "invalid_concurrency":        Code(Kind.INVALID, "`concurrency` is not a whole number from 1 to 1000."),
    "invalid_enabled":            Code(Kind.INVALID, "`enabled` is neither true nor false."),
    "invalid_format":             Code(Kind.INVALID, "There is no such format, or the data is not in it."),
    # accounts
    "account_not_found":          Code(Kind.NOT_FOUND, "No account has this token or id."),
    "token_conflict":             Code(Kind.CONFLICT, "Another account has this token already."),
    "token_too_long":             Code(Kind.INVALID, "A token is longer than 4096 characters."),
    "too_many_tokens":            Code(Kind.INVALID, "More tokens than one call may name."),
    "tag_too_long":               Code(Kind.INVALID, "A tag is longer than 64 characters."),
    "too_many_tags":              Code(Kind.INVALID, "More than 32 tags for one account."),
    # bulk changes and tasks
    "count_changed":              Code(Kind.CONFLICT, "The filter fits another number of accounts than was expected."),
    "change_not_found":           Code(Kind.NOT_FOUND, "There is no such change."),
    "change_not_undoable":        Code(Kind.CONFLICT, "The change is too old, or is undone already."),
    "task_not_found":             Code(Kind.NOT_FOUND, "There is no such task, or it ended more than 300 s ago."),
    "too_many_tasks":             Code(Kind.UNAVAILABLE, "Too many tasks run already."),
    # files
    "missing_file_name":          Code(Kind.INVALID, "`name` is missing."),
    "missing_file_names":         Code(Kind.INVALID, "`names` is missing or empty."),
    "invalid_file_name":          Code(Kind.INVALID, "A name is not that of a stored file."),
    "file_not_found":             Code(Kind.NOT_FOUND, "There is no such file, or no longer."),
    "upstream_error":             Code(Kind.UPSTREAM, "grok.com refused, or could not be reached."),
    # configuration
    "invalid_config":             Code(Kind.INVALID, "A setting is not allowed; the old configuration stays."),
    "startup_only_config":        Code(Kind.INVALID, "The setting is read once at the start."),
    "overridden_config":          Code(Kind.CONFLICT, "The environment or the command line sets it and wins."),
}  # fmt: skip


def refuse(code: str, message: str, param: str | None = None, retry_after: float | None = None) -> Refusal:
    """The refusal of that code; `message` says what went wrong and what to do."""
    row = CODES[code]
    return Refusal(Problem(kind=row.kind, message=message, param=param, code=code, retry_after=retry_after))
