"""Files on their way to grok.com: as JSON with base64 (the older form), or as a form with one part.

Pure. The body is put together while it is sent, because a file can be large. The answer names the file by up to three
ids and perhaps a path; a path that is missing is for the caller to make of the user's id.
"""

import re
from typing import Any
from urllib.parse import quote

import msgspec

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.problem import Refusal
from grok2api.upstreams.base import Credential, HttpCall, Pieces
from grok2api.upstreams.grok_web.assets_wire import content_url
from grok2api.upstreams.grok_web.call import post_call, rest_headers
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.media import FileRef
from grok2api.upstreams.reading import decode_any
from grok2api.upstreams.refusals import classify, classify_error

_JSON = "/rest/app-chat/upload-file"
_FORM = "/http/upload-file-v2/direct"
_SOURCE = "IMAGINE_SELF_UPLOAD_FILE_SOURCE"
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_OPAQUE = "application/octet-stream"
_IDS = ("fileMetadataId", "fileId")


def upload_call(
    file: Attachment, credential: Credential, options: WebOptions, call_id: str, *, imagine: bool = False
) -> HttpCall:
    """The call that sends a file, in the form that the settings choose; `imagine` says that it is for media work."""
    mime = file.mime if _MIME.fullmatch(file.mime) else _OPAQUE
    referer = "/imagine" if imagine else "/"
    if options.media.upload == "json":
        return post_call(_JSON, _json(file, mime), credential, options, call_id, referer)
    boundary = f"grok2api-{call_id}"
    headers = rest_headers(credential, options, "", referer)
    return HttpCall(
        method="POST",
        url=options.base_url + _FORM,
        headers=headers | {"Content-Type": f"multipart/form-data; boundary={boundary}"},
        body=_form(file, mime, boundary, imagine=imagine),
        account=credential.account_id,
    )


def read_upload(body: bytes, options: WebOptions) -> FileRef:
    """The file that an answer names; its URL is empty when no path was told. Raises `Refusal`."""
    told = decode_any(body)
    if not isinstance(told, dict):
        raise Refusal(classify(200, {}, body, what=WHAT))
    error = told.get("terminalError")
    if error:
        raise Refusal(classify_error(error, 400, what=WHAT))
    inner = told.get("fileMetadata")
    file = inner if isinstance(inner, dict) else told
    ident = next((found for name in _IDS if (found := _text(file, name))), "") or _text(told, "uploadId")
    if not ident:
        raise Refusal(classify(200, {}, body, what=WHAT))
    path = _text(file, "fileUri")
    return FileRef(ident, content_url(path, options) if path else "")


def _json(file: Attachment, mime: str) -> Pieces:
    name = file.name.encode("utf-8", "replace").decode()
    head = msgspec.json.encode({"fileName": name, "fileMimeType": mime, "content": ""})
    return Pieces(head[:-2], file.base64, head[-2:])


def _form(file: Attachment, mime: str, boundary: str, *, imagine: bool) -> Pieces:
    line = f"--{boundary}\r\nContent-Disposition: form-data; name="
    source = f'{line}"file_source"\r\n\r\n{_SOURCE}\r\n' if imagine else ""
    name = quote(file.name, safe=" !#$&'()+,;=@[]^_`{}~", errors="replace")
    head = f'{source}{line}"file"; filename="{name}"\r\nContent-Type: {mime}\r\n\r\n'
    return Pieces(head.encode(), file.raw, f"\r\n--{boundary}--\r\n".encode())


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
