"""The files of an account: their list, their deletion, and the two hosts that serve them.

The host of account files wants its owner's cookie and answers anybody else with 403; the public host serves what was
made over the imagine socket, and what was shared, to everybody. Which names the list uses for its members is not known
of the real one, so all known spellings are habits here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from grok2api.simulator.answering import check_state, faults_of, habits, refusal, side_faults, spoil
from grok2api.simulator.credentials import grpc_error, signed_in
from grok2api.simulator.delivery import Delivery, plain
from grok2api.simulator.grok import WIRE
from grok2api.simulator.holdings import Kept
from grok2api.simulator.journal import Entry, cookies
from grok2api.simulator.render import encode
from grok2api.simulator.samples import Sample
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.world import World

#: member -> how it is spelled, by the number of the spelling.
_SPELLINGS: Mapping[str, tuple[str, str, str]] = {
    "assets": ("assets", "items", "assets"),
    "id": ("assetId", "id", "id"),
    "name": ("name", "fileName", "name"),
    "path": ("key", "filePath", "file_path"),
    "type": ("mimeType", "contentType", "content_type"),
    "size": ("sizeBytes", "fileSize", "size"),
    "time": ("createTime", "createdAt", "created_at"),
}
_MOST_IN_PAGE = 100


async def listing(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`GET /rest/assets`: a page of an account's files, the newest first."""
    account = signed_in(world, entry, WIRE)
    faults = faults_of(world, WIRE, Seen(endpoint="assets", account=account.token))
    check_state(account.state, WIRE)
    options = habits(faults)
    size, token = request.query.get("pageSize", "50"), request.query.get("pageToken", "0")
    if not (size.isdecimal() and token.isdecimal() and 0 < int(size) <= _MOST_IN_PAGE):
        raise grpc_error(400, 3, "Invalid pageSize or pageToken.")
    files, first, last = world.holdings.of(account.token), int(token), int(token) + int(size)
    spelling = min(options.spelling, 2)
    page: dict[str, Any] = {_SPELLINGS["assets"][spelling]: [_told(file, spelling) for file in files[first:last]]}
    if options.same_page:
        page["nextPageToken"] = token
    elif last < len(files):
        page["nextPageToken"] = str(last)
    return spoil(plain(encode(page)), faults, WIRE)


def _told(file: Kept, spelling: int) -> dict[str, Any]:
    size = len(file.sample.data)
    made = datetime.fromtimestamp(file.at, UTC).isoformat().replace("+00:00", "Z")
    values = {"id": file.id, "name": file.name, "path": file.path, "type": file.mime, "time": made}
    return {
        **{_SPELLINGS[name][spelling]: value for name, value in values.items()},
        _SPELLINGS["size"][spelling]: str(size) if spelling else size,
    }


async def delete(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`DELETE /rest/assets-metadata/{id}`: 404 for what the account does not have."""
    account = signed_in(world, entry, WIRE)
    ident = request.match_info["asset"]
    delivery = side_faults(
        world, WIRE, Seen(endpoint="asset_delete", account=account.token, message=ident), plain(b"{}")
    )
    check_state(account.state, WIRE)
    if not world.holdings.owns(account.token, ident):
        raise refusal("404", WIRE)
    world.holdings.drop(ident)
    return delivery


async def download(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`GET /users/…`: a file, for its owner."""
    path = request.path.removeprefix("/")
    account = world.accounts.get(cookies(entry.headers.get("cookie", "")).get("sso", ""))
    entry.account = account.token if account else None
    found = world.holdings.at(path)
    if found is None:
        raise refusal("404", WIRE)
    file, sample = found
    if account is None or account.token != file.owner:
        raise refusal("403", WIRE)
    seen = Seen(endpoint="download", account=account.token, message=path)
    delivery = side_faults(world, WIRE, seen, _file(sample))
    check_state(account.state, WIRE)
    return delivery


async def public(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`GET /public/imagine-public/…`: a picture of the imagine socket, or a film that was shared, for anybody."""
    if "cookie" in entry.headers:
        entry.notes.append("a cookie came to the public host")
    stem = request.match_info["name"].partition(".")[0]
    holdings = world.holdings
    file = holdings.files.get(holdings.shared.get(stem, ""))
    if file is None:
        raise refusal("404", WIRE)
    return side_faults(world, WIRE, Seen(endpoint="public", message=request.path), _file(file.sample))


def _file(sample: Sample) -> Delivery:
    return plain(sample.data, sample.mime)
