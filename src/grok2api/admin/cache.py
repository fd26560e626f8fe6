"""`cache`: the pictures and films that this gateway keeps and serves."""

from typing import Annotated, Literal

import msgspec

from grok2api.admin.codes import refuse
from grok2api.admin.parts import CachedFile, Parts
from grok2api.admin.route import Call
from grok2api.canonical.problem import Refusal
from grok2api.media.names import SERVED, Kind, read_name

_MIB = 1024 * 1024
_MOST_NAMES = 10_000


class CacheKind(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is of one kind. The ratio and the percentage are null where there is no limit."""

    count: int
    size_mb: float
    size_bytes: int
    limit_mb: float
    limit_bytes: int
    limited: bool
    usage_ratio: float | None
    usage_percent: float | None


class CacheTotals(msgspec.Struct, frozen=True):
    """Both kinds."""

    local_image: CacheKind
    local_video: CacheKind


class CacheQuery(msgspec.Struct, frozen=True):
    """Which files, and which of them."""

    kind: Annotated[Literal["image", "video"] | None, msgspec.Meta(description="`image` unless said.")] = msgspec.field(
        default=None, name="type"
    )
    cache_type: Annotated[Literal["image", "video"] | None, msgspec.Meta(description="The same as `type`.")] = None
    page: Annotated[int, msgspec.Meta(ge=1, le=10_000_000, description="The first page is 1.")] = 1
    page_size: Annotated[int, msgspec.Meta(ge=1, le=1000, description="Files on a page.")] = 1000


class CacheItem(msgspec.Struct, frozen=True):
    """One file. `modified_at` is in seconds of the epoch."""

    name: str
    size_bytes: int
    modified_at: float


class CacheList(msgspec.Struct, frozen=True, kw_only=True):
    """One page, the newest first."""

    status: str
    total: int
    page: int
    page_size: int
    items: list[CacheItem]


class ToClear(msgspec.Struct, frozen=True):
    """Which kind; both unless said."""

    kind: Literal["image", "video"] | None = msgspec.field(default=None, name="type")


class ItemToDelete(msgspec.Struct, frozen=True):
    """A file by its name."""

    kind: Literal["image", "video"] = msgspec.field(default="image", name="type")
    name: str = ""


class ItemsToDelete(msgspec.Struct, frozen=True):
    """Files by their names."""

    kind: Literal["image", "video"] = msgspec.field(default="image", name="type")
    names: list[str] = []


class Removed(msgspec.Struct, frozen=True):
    """How many files were removed."""

    removed: int


class ClearResult(msgspec.Struct, frozen=True):
    """What came of it."""

    result: Removed
    status: str = "success"


class DeletedName(msgspec.Struct, frozen=True):
    """The name of the file that was deleted."""

    deleted: str


class ItemResult(msgspec.Struct, frozen=True):
    """What came of it."""

    result: DeletedName
    status: str = "success"


class DeletedCount(msgspec.Struct, frozen=True):
    """How many of the files were there, and how many were not."""

    deleted: int
    missing: int


class ItemsResult(msgspec.Struct, frozen=True):
    """What came of it."""

    result: DeletedCount
    status: str = "success"


async def show_cache(parts: Parts, call: Call[None, None]) -> CacheTotals:
    """Counts, sizes and limits."""
    return CacheTotals(await _totals(parts, "image"), await _totals(parts, "video"))


async def list_cache(parts: Parts, call: Call[CacheQuery, None]) -> CacheList:
    """The names are those that the files are deleted by; without the extension they are the ids in URLs."""
    query = call.query
    kind = query.kind or query.cache_type or "image"
    total = (await parts.cache.totals(kind)).count
    files = await parts.cache.newest(kind, (query.page - 1) * query.page_size, query.page_size)
    return CacheList(
        status="success", total=total, page=query.page, page_size=query.page_size, items=[_item(file) for file in files]
    )


async def clear_cache(parts: Parts, call: Call[None, ToClear]) -> ClearResult:
    """Downloads that are under way finish."""
    kinds = tuple(SERVED) if call.body.kind is None else (call.body.kind,)
    return ClearResult(Removed(sum([await parts.cache.clear(kind) for kind in kinds])))


async def delete_cached(parts: Parts, call: Call[None, ItemToDelete]) -> ItemResult:
    """The name is that in the list, and nothing else: no path, no id."""
    kind, name = call.body.kind, call.body.name
    if not name:
        raise refuse("missing_file_name", "name must be the name of a file", "name")
    _check(kind, name, "name")
    if not await parts.cache.delete(kind, [name]):
        raise refuse("file_not_found", "There is no such file here, or no longer", "name")
    return ItemResult(DeletedName(name))


async def delete_cached_many(parts: Parts, call: Call[None, ItemsToDelete]) -> ItemsResult:
    """Names that are not there are counted; one that cannot be a name is refused, and nothing is deleted."""
    kind, names = call.body.kind, list(dict.fromkeys(call.body.names))
    if not names:
        raise refuse("missing_file_names", "names must be a list of names of files", "names")
    if len(names) > _MOST_NAMES:
        raise refuse("invalid_value", f"names holds {len(names)} names; {_MOST_NAMES} are possible at once", "names")
    for place, name in enumerate(names):
        _check(kind, name, f"names.{place}")
    deleted = len(await parts.cache.delete(kind, names))
    return ItemsResult(DeletedCount(deleted, len(names) - deleted))


def _check(kind: Kind, name: str, at: str) -> None:
    if read_name(kind, name) is None:
        raise _no_name(kind, at)


def _no_name(kind: Kind, at: str) -> Refusal:
    extensions = " or ".join(f".{row.extension}" for row in SERVED[kind])
    return refuse("invalid_file_name", f"{at} is not the name of a stored file: an id and {extensions}", at)


async def _totals(parts: Parts, kind: Kind) -> CacheKind:
    totals, limit = await parts.cache.totals(kind), parts.cache.limit(kind)
    ratio = totals.size / limit if limit else None
    return CacheKind(
        count=totals.count,
        size_mb=round(totals.size / _MIB, 2),
        size_bytes=totals.size,
        limit_mb=round(limit / _MIB, 2),
        limit_bytes=limit,
        limited=bool(limit),
        usage_ratio=None if ratio is None else round(ratio, 4),
        usage_percent=None if ratio is None else round(100 * ratio, 2),
    )


def _item(file: CachedFile) -> CacheItem:
    return CacheItem(file.name, file.size, file.created_at)
