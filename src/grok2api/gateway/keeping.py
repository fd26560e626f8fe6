"""Results of upstreams, brought to where everybody can open them, and shown in a conversation.

A result that wants its account's cookie is fetched at once, with that account, and kept in the media cache; a public
one may stay where it is, but is looked at: what is dead, empty or a page is a `Refusal`, and never a link (I3).
"""

import asyncio
import base64
from typing import Literal, Protocol

import msgspec

from grok2api.canonical.events import Produced
from grok2api.canonical.media import Artifact, Result
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.media import names
from grok2api.media.store import MediaStore
from grok2api.upstreams.base import Credential, TransportError
from grok2api.upstreams.media import Files

Format = Literal["grok_url", "local_url", "grok_md", "local_md", "base64"]

_UNFETCHED = "(A picture belongs here, but Grok does not hand it out.)"
_GONE = Problem(
    kind=Kind.UPSTREAM, message="The media cache lost a file that was just stored; its limit may be too small"
)


class ShowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How pictures appear in a conversation, and whether public ones are kept here all the same."""

    image_format: Format = "grok_url"
    keep_public: bool = False


class Options(Protocol):
    """The options in force."""

    def __call__(self) -> ShowOptions: ...


class Keeping:
    """Keeps results and shows them."""

    def __init__(self, files: Files, store: MediaStore, options: Options) -> None:
        self._files = files
        self._store = store
        self._options = options

    def style(self, *, inline: bool | None) -> Format:
        """How a picture is shown to a client that wants the file itself, or a link, or says nothing."""
        configured = self._options().image_format
        if inline is None:
            return configured
        if inline:
            return "base64"
        return "grok_md" if configured == "base64" else configured

    async def keep(self, credential: Credential, artifact: Artifact, *, here: bool = False) -> Result:
        """The result where clients can have it; in the cache even when it is public, if it is wanted `here`.

        Raises `Refusal` for a result that is none, `TransportError` for the way to it.
        """
        if artifact.bound or here or self._options().keep_public or not artifact.url:
            return await self._stored(credential, artifact)
        try:
            async with self._files.download(credential, artifact) as found:
                return Result(kind=artifact.kind, url=artifact.url, mime=found.mime or artifact.mime)
        except (Refusal, TransportError):
            if not artifact.data:
                raise
            return await self._stored(credential, artifact)

    async def read(self, result: Result) -> bytes:
        """The file of a result that is kept here. Raises `Refusal` when it is gone."""
        found = await self._store.open(result.kind, result.id)
        if found is None:
            raise Refusal(_GONE)
        _, reading = found
        try:
            return await asyncio.to_thread(reading.read, 0, reading.size)
        finally:
            reading.close()

    async def words(self, result: Result, style: Format, base: str) -> str:
        """A picture as it stands in a text."""
        if style == "base64":
            data = await self.read(result)
            return f"![image](data:{result.mime};base64,{base64.b64encode(data).decode()})"
        url = link(result, base)
        return f"![image]({url})" if style in ("grok_md", "local_md") else url

    async def show(self, produced: Produced, credential: Credential, base: str) -> str:
        """A picture of an ordinary answer, fetched and in words; one that cannot be fetched is said to be missing."""
        style = self.style(inline=None)
        artifact = self._files.locate(produced.url, produced.kind, produced.id)
        try:
            return await self.words(await self.keep(credential, artifact, here=is_here(style)), style, base)
        except (Refusal, TransportError):
            return _UNFETCHED

    async def _stored(self, credential: Credential, artifact: Artifact) -> Result:
        if artifact.data:
            file = await self._store.store_bytes(artifact.kind, artifact.data)
        else:
            async with self._files.download(credential, artifact) as found:
                file = await self._store.store(artifact.kind, found.chunks())
        return Result(kind=artifact.kind, id=file.id, mime=file.mime)


def is_here(style: Format) -> bool:
    """Whether a style needs the file in the cache."""
    return style not in ("grok_url", "grok_md")


def link(result: Result, base: str) -> str:
    """The URL of a result that opens for everybody; `base` is the gateway's public address."""
    return names.url(base, result.kind, result.id) if result.id else result.url
