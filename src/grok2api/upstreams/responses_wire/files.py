"""Pictures and files inside a Responses body.

Pure. A picture is an `input_image`, words are read out, any other file is an `input_file`; sounds are not taken. The
text of a file is as large as the file, so the body is encoded with a hole in its place: a NUL byte, which JSON never
has. `filled` puts the file's own text there, without a copy of it.
"""

from typing import Any

import msgspec

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.problem import Refusal, invalid
from grok2api.upstreams.base import Pieces, Source

_HOLE = b"\0"


def content_of(file: Attachment, files: list[Attachment]) -> dict[str, Any]:
    """The part of a message that is this file; adds it to `files` when its text has a hole. Raises `Refusal`."""
    if file.kind == "audio":
        raise no_sound(file.path)
    if file.is_text:
        words = file.whole().decode("utf-8", "replace")
        return {"type": "input_text", "text": f"The file {file.name}:\n\n{words}"}
    files.append(file)
    if file.kind == "file":
        return {"type": "input_file", "filename": file.name, "file_data": msgspec.Raw(_HOLE)}
    part: dict[str, Any] = {"type": "input_image", "image_url": msgspec.Raw(_HOLE)}
    return part if file.detail is None else part | {"detail": file.detail}


def no_sound(path: str) -> Refusal:
    """What is raised for a sound."""
    return invalid(f"{path}: this model does not take sound", path, code="unsupported_content")


def filled(encoded: bytes, files: list[Attachment]) -> Pieces:
    """The encoded body with the files, as data URIs, in its holes."""
    first, *rest = encoded.split(_HOLE)
    parts: list[bytes | Source] = [first]
    for file, after in zip(files, rest, strict=True):
        parts += (f'"data:{file.mime};base64,'.encode(), file.base64, b'"' + after)
    return Pieces(*parts)
