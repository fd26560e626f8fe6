"""`GET tokens/{id}`: one account. `GET tags`: the words that accounts are found by."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from grok2api.admin.codes import refuse
from grok2api.admin.parts import Parts
from grok2api.admin.route import Call
from grok2api.admin.rows import Row
from grok2api.admin.tokens_list import shown


class ShowQuery(msgspec.Struct, frozen=True):
    """How it is shown."""

    mask: Annotated[bool, msgspec.Meta(description="Mask the token.")] = False


class Tags(msgspec.Struct, frozen=True):
    """Every tag, and how many accounts have it."""

    tags: Mapping[str, int]


async def show_token(parts: Parts, call: Call[ShowQuery, None]) -> Row:
    """Its row in the list."""
    found = await parts.store.get([call.path["id"]])
    if not found:
        raise refuse("account_not_found", "No account has this id", "id")
    return shown(parts, found[0], parts.now(), masked=call.query.mask)


async def list_tags(parts: Parts, call: Call[None, None]) -> Tags:
    """Tags that no account has are forgotten."""
    return Tags(await parts.store.tags())
