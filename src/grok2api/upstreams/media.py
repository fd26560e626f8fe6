"""What the gateway needs of an upstream that makes pictures and films, and keeps files for accounts.

As with conversations, wires are pure and an adapter sends. `make` tells media facts; files are sent, listed, fetched
and deleted one by one. What concerns files raises `Refusal` for what the upstream said and `TransportError` for the
way there.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

import msgspec

from grok2api.canonical.attachment import Attachment
from grok2api.canonical.media import BEGINNING, Artifact, Checkpoint, MediaFact, MediaRequest
from grok2api.catalog import Model
from grok2api.upstreams.base import Credential

#: The code of a refusal for a file that the upstream has forgotten: it is to be sent again.
FILE_FORGOTTEN = "upstream_file_not_found"


class FileRef(msgspec.Struct, frozen=True):
    """A file that the upstream keeps for one account: the id to refer to it by, and where it is."""

    id: str
    url: str = ""


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the list of an account. `created_at` is the upstream's own words; `size` is 0 when it is not told."""

    id: str
    name: str = ""
    path: str = ""
    mime: str = ""
    size: int = 0
    created_at: str = ""


class MediaTask(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt's work: what to make, of which files, and who pays.

    references: files of this very account, in the order in which the prompt counts them.
    checkpoint: how far an earlier run of the same film has come.
    """

    request: MediaRequest
    model: Model
    credential: Credential
    references: tuple[FileRef, ...] = ()
    checkpoint: Checkpoint = BEGINNING


class Download(Protocol):
    """A result whose first bytes have arrived and look like what was asked for.

    mime: what the host calls it. length: how long it says it is, if it says so.
    """

    mime: str
    length: int | None

    def chunks(self) -> AsyncIterator[bytes]:
        """The file. Raises `Refusal` when it grows too large, `TransportError` when it breaks off."""
        ...


class Maker(Protocol):
    """Makes media."""

    def make(self, task: MediaTask) -> AsyncGenerator[list[MediaFact], None]:
        """The facts of one attempt; the last is `Completed` or `Failed`. Closing it ends the connection."""
        ...


class Files(Protocol):
    """Keeps files for accounts."""

    async def upload(self, credential: Credential, file: Attachment, *, imagine: bool = False) -> FileRef:
        """Send a file, for a chat or to `imagine` with; the reference is good for this account only."""
        ...

    def locate(self, url: str, kind: Literal["image", "video"], ident: str) -> Artifact:
        """The result that an answer names by a URL."""
        ...

    def download(self, credential: Credential, artifact: Artifact) -> AbstractAsyncContextManager[Download]:
        """Fetch a result. Raises `Refusal` for one that is dead, empty, too large, or a page instead of a file."""
        ...

    async def assets(self, credential: Credential) -> list[Asset]:
        """All files of an account."""
        ...

    async def delete_asset(self, credential: Credential, asset_id: str) -> None:
        """Delete one; one that is not there counts as deleted."""
        ...
