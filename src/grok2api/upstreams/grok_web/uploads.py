"""Files of requests in the care of accounts: uploaded once, known by their content, and remembered.

A reference belongs to the account that uploaded the file, so another account uploads again; and to a purpose, since
files to be drawn from are sent in another way than those of a conversation. References are forgotten after a while, as
the upstream forgets the files, and when the upstream says that it does not know one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from grok2api.canonical.attachment import Attachment
from grok2api.transport.tasks import together
from grok2api.upstreams.base import Credential
from grok2api.upstreams.media import FileRef

#: How many references are remembered, and for how many seconds.
_MOST = 20_000
_KEPT_SEC = 1800.0
#: Files of one request that go up at the same time.
_AT_ONCE = 4


class Uploader(Protocol):
    """Puts one file into an account's care."""

    async def upload(self, credential: Credential, file: Attachment, *, imagine: bool = False) -> FileRef:
        """A reference that is good for this account only. Raises `Refusal` and `TransportError`."""
        ...


#: The account, the content, and whether it is to be drawn from.
_Key = tuple[str, str, bool]


class Uploads:
    """What was uploaded, by account and content. `now` in seconds."""

    def __init__(self, uploader: Uploader, now: Callable[[], float]) -> None:
        self._uploader = uploader
        self._now = now
        self._known: OrderedDict[_Key, tuple[FileRef, float]] = OrderedDict()
        self._under_way: dict[_Key, asyncio.Lock] = {}

    async def references(
        self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False
    ) -> list[FileRef]:
        """References to these files for this account, in their order. Raises what `Uploader.upload` raises."""
        return await together((self._one(file, credential, imagine) for file in files), "upload", _AT_ONCE)

    def knows_any(self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False) -> bool:
        """Whether one of the files would not be uploaded now, because it was before."""
        return any(self._fresh((credential.account_id, file.digest, imagine)) is not None for file in files)

    def forget(self, files: Sequence[Attachment], credential: Credential, *, imagine: bool = False) -> None:
        """The account's references to these files are of no use."""
        for file in files:
            self._known.pop((credential.account_id, file.digest, imagine), None)

    async def _one(self, file: Attachment, credential: Credential, imagine: bool) -> FileRef:
        """One upload at a time for one content and account: who comes second takes what the first has got."""
        key = (credential.account_id, file.digest, imagine)
        lock = self._under_way.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                known = self._fresh(key)
                if known is None:
                    known = await self._uploader.upload(credential, file, imagine=imagine)
                    self._remember(key, known)
                return known
        finally:
            if not lock.locked():
                self._under_way.pop(key, None)

    def _fresh(self, key: _Key) -> FileRef | None:
        known = self._known.get(key)
        return known[0] if known is not None and known[1] > self._now() else None

    def _remember(self, key: _Key, reference: FileRef) -> None:
        self._known[key] = (reference, self._now() + _KEPT_SEC)
        self._known.move_to_end(key)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
