"""What stored media are called: ids, file names, and where they are served.

Pure. A file's id is made of its content (the first half of its SHA-256), so that the same picture is one file, and who
does not have the file cannot guess its id. Nothing that a client sends becomes part of a path before `is_id` has seen
it.
"""

import re
from collections.abc import Mapping
from typing import Literal

from grok2api.media.sniff import JPEG, MP4, PNG, WEBP, Type

Kind = Literal["image", "video"]

#: The types that are stored and served, by kind; the first is the usual one.
SERVED: Mapping[Kind, tuple[Type, ...]] = {"image": (JPEG, PNG, WEBP), "video": (MP4,)}

_ID = re.compile(r"[0-9a-f-]{16,36}\Z")
_NAME = re.compile(r"([0-9a-f-]{16,36})\.([a-z0-9]{2,4})\Z")


def is_id(text: str) -> bool:
    """Whether this can be the id of a stored file."""
    return _ID.match(text) is not None


def id_of(digest: str) -> str:
    """The id of the content with this SHA-256 (hex)."""
    return digest[:32]


def file_name(ident: str, kind: Type) -> str:
    """The name of the file with this id."""
    return f"{ident}.{kind.extension}"


def read_name(kind: Kind, name: str) -> tuple[str, Type] | None:
    """The id and type in a file's name; `None` for a name that is none of ours."""
    found = _NAME.match(name)
    if found is None:
        return None
    served = next((row for row in SERVED[kind] if row.extension == found[2]), None)
    return None if served is None else (found[1], served)


def url(base: str, kind: Kind, ident: str) -> str:
    """Where the file is served; `base` is the gateway's public address."""
    return f"{base.rstrip('/')}/v1/files/{kind}?id={ident}"
