"""Files that callers send to grok.com: as JSON with base64, or as a form.

Both answers name the new file; which of its ids and whether its path is told are habits of the upstream.
"""

import base64
import binascii
from typing import Any

from aiohttp import BodyPartReader, web

from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.answering import check_state, faults_of, habits, refusal, spoil
from grok2api.simulator.credentials import grpc_error, read_object, signed_in
from grok2api.simulator.delivery import Delivery, plain
from grok2api.simulator.grok import WIRE
from grok2api.simulator.holdings import Kept
from grok2api.simulator.journal import Entry
from grok2api.simulator.render import RenderOptions, encode
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.world import World

_LARGEST = 48 << 20
_REFUSED = {"code": "INVALID_FILE", "message": "The file could not be processed."}


async def upload(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /rest/app-chat/upload-file`: the older form."""
    account = signed_in(world, entry, WIRE)
    body = await read_object(request, entry)
    name, mime, content = (body.get(field) for field in ("fileName", "fileMimeType", "content"))
    if not (isinstance(name, str) and isinstance(mime, str) and isinstance(content, str)):
        raise grpc_error(400, 3, "fileName, fileMimeType and content are required.")
    try:
        data = base64.b64decode(content, validate=True)
    except binascii.Error as broken:
        raise grpc_error(400, 3, "The content is not base64.") from broken
    entry.body = {"fileName": name, "fileMimeType": mime, "bytes": len(data)}
    return _taken(world, entry, account, name, mime, data, newer=False)


async def upload_form(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /http/upload-file-v2/direct`: the newer form, with one part `file`."""
    account = signed_in(world, entry, WIRE)
    parts = await _parts(request)
    if "file" not in parts:
        raise grpc_error(400, 3, "There is no file.")
    name, mime, data = parts["file"]
    entry.body = {"fileName": name, "fileMimeType": mime, "bytes": len(data)}
    if "file_source" in parts:
        entry.body["file_source"] = parts["file_source"][2].decode("utf-8", "replace")
    return _taken(world, entry, account, name, mime, data, newer=True)


async def _parts(request: web.Request) -> dict[str, tuple[str, str, bytes]]:
    """The parts of a form: name -> file name, type, bytes. Stops with 400 when it is none."""
    if request.content_type != "multipart/form-data":
        raise grpc_error(400, 3, "The body is not a form.")
    found = {}
    try:
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name:
                mime = part.headers.get("Content-Type", "application/octet-stream")
                found[part.name] = (part.filename or "", mime, bytes(await part.read()))
    except ValueError as broken:
        raise grpc_error(400, 3, "The form is broken.") from broken
    return found


def _taken(
    world: World, entry: Entry, account: SimAccount, name: str, mime: str, data: bytes, *, newer: bool
) -> Delivery:
    faults = faults_of(world, WIRE, Seen(endpoint="upload", account=account.token, message=name))
    entry.faults = [str(fault) for fault in faults]
    check_state(account.state, WIRE)
    if len(data) > _LARGEST:
        raise refusal("413", WIRE)
    if not data:
        raise grpc_error(400, 3, "The file is empty.")
    options = habits(faults)
    if newer and options.terminal_error:
        answer: dict[str, Any] = {"uploadId": world.fresh_id(), "terminalError": _REFUSED, "fileMetadata": None}
    else:
        answer = _told(_kept(world, account, name, mime, data), options, newer=newer)
    return spoil(plain(encode(answer)), faults, WIRE)


def _kept(world: World, account: SimAccount, name: str, mime: str, data: bytes) -> Kept:
    ident = world.fresh_id()
    path = f"users/{account.user_id}/{ident}/content"
    file = Kept(id=ident, owner=account.token, path=path, name=name, mime=mime, at=world.now(), data=data)
    world.holdings.keep(file)
    return file


def _told(file: Kept, options: RenderOptions, *, newer: bool) -> dict[str, Any]:
    told = {"fileMetadataId": file.id, "fileId": file.id, "fileUri": file.path}
    for name in ("fileMetadataId", "fileId")[: options.upload_ids]:
        del told[name]
    if not options.upload_paths:
        del told["fileUri"]
    if newer:
        return {"uploadId": file.id, "terminalError": None, "fileMetadata": told}
    return {**told, "fileMimeType": file.mime, "fileName": file.name}
