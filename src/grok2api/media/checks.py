"""Whether a client's file is what its field asks for, judged by its bytes.

Pure. Promises an attachment, or a refusal that names the field: empty, of the wrong kind, too large.
"""

import re
from typing import Literal

from grok2api.canonical.attachment import UNKNOWN, Attachment, is_text
from grok2api.canonical.problem import Kind, Problem, Refusal, invalid
from grok2api.canonical.request import File, Image
from grok2api.media.datauri import Contents
from grok2api.media.sniff import JPEG, PDF, SEEN, Type, dimensions, sniff

#: Different files that one request may bring; an upstream that takes fewer says so in its plan.
MOST = 100
MAX_BYTES = 32 * 1024 * 1024
MAX_TOTAL = 64 * 1024 * 1024

_MIB = 1024 * 1024
_PICTURES = "a JPEG, PNG, WebP or GIF picture"
_CLAIM = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}\Z")
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\"<>|*?:/\\]+")
_NAME_LENGTH = 120


def attach(
    part: Image | File, contents: Contents, data: bytes | str, start: int = 0, *, claimed: str = "", number: int = 1
) -> Attachment:
    """The part as an upstream is given it. `claimed` is the client's word for the type, `number` its place."""
    if not contents.size:
        raise invalid(f"{part.path} is an empty file", part.path, code="empty_file")
    if contents.size > MAX_BYTES:
        raise too_large(part.path)
    kind = sniff(contents.head)
    wanted = "image" if isinstance(part, Image) else part.kind
    family = _family(kind)
    if wanted != "file" and family != wanted:
        raise _wrong(part.path, wanted, kind)
    if wanted == "image" and dimensions(contents.head) is None and kind is not JPEG:
        raise invalid(f"{part.path} is a broken picture", part.path, code="invalid_image")
    mime = _mime(kind, claimed)
    return Attachment(
        kind=family,
        mime=mime,
        name=_name(part, kind, family, number),
        size=contents.size,
        digest=contents.digest,
        data=data,
        start=start,
        detail=part.detail if isinstance(part, Image) else None,
        path=part.path,
    )


def too_large(path: str, limit: int = MAX_BYTES) -> Refusal:
    """The file of this field has more bytes than are taken."""
    message = f"{path} is larger than {limit // _MIB} MiB"
    return Refusal(Problem(kind=Kind.TOO_LARGE, message=message, param=path, code="file_too_large"))


def too_much(path: str) -> Refusal:
    """With the file of this field, the request's files are too many bytes."""
    message = f"{path}: the files of a request may have {MAX_TOTAL // _MIB} MiB together"
    return Refusal(Problem(kind=Kind.TOO_LARGE, message=message, param=path, code="file_too_large"))


def too_many(path: str, most: int = MOST) -> Refusal:
    """The file of this field is one more than `most`."""
    message = f"{path} is one file too many: at most {most} different ones are possible"
    return invalid(message, path, code="too_many_files")


def _family(kind: Type | None) -> Literal["image", "audio", "file"]:
    if kind in SEEN:
        return "image"
    return "audio" if kind is not None and kind.family == "audio" else "file"


def _wrong(path: str, wanted: str, kind: Type | None) -> Refusal:
    needed = _PICTURES if wanted == "image" else "a sound"
    found = f"it is {kind.mime}" if kind is not None else "its content is of no type that is known here"
    return invalid(f"{path} is not {needed}: {found}", path, code=f"invalid_{wanted}")


def _mime(kind: Type | None, claimed: str) -> str:
    """By content. Words, packed files and unknown bytes are called what the client calls them, if that can be."""
    claimed = claimed.lower()
    if not _CLAIM.match(claimed) or claimed == UNKNOWN:
        return UNKNOWN if kind is None else kind.mime
    if kind is None or kind.family == "other":
        may_be = claimed.startswith("application/") and claimed != PDF.mime and not is_text(claimed)
    else:
        may_be = kind.family in ("text", "page") and is_text(claimed)
    return claimed if may_be else UNKNOWN if kind is None else kind.mime


def _name(part: Image | File, kind: Type | None, family: str, number: int) -> str:
    given = _NOT_IN_NAMES.sub("_", part.name or "") if isinstance(part, File) else ""
    given = given.strip(" .")
    if len(given) > _NAME_LENGTH:
        _, dot, extension = given.rpartition(".")
        tail = f".{extension}" if dot and len(extension) < 12 else ""
        given = given[: _NAME_LENGTH - len(tail)] + tail
    extension = "bin" if kind is None else kind.extension
    return given or f"{family}-{number}.{extension}"
