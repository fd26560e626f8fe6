"""What the simulated accounts keep: files they sent, pictures and films that were made for them, and media posts.

Pure apart from being mutable; part of the world. Files of results are not stored: `samples` makes them from their id.
"""

from collections import OrderedDict
from typing import TypeVar

import msgspec

from grok2api.simulator import samples
from grok2api.simulator.samples import Sample

_REMEMBERED = 10_000
_PART = "-part-"

#: The end of a picture's name -> its type.
FORMS = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}

_T = TypeVar("_T")


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an account. `path` is where the host of files has it; `data` is what was sent, empty for a result."""

    id: str
    owner: str
    path: str
    name: str
    mime: str
    at: float
    data: bytes = b""

    @property
    def sample(self) -> Sample:
        """The file itself."""
        if self.data:
            return Sample(self.data, self.mime)
        return samples.film(self.id) if self.mime.startswith("video/") else samples.picture(self.id, self.mime)


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A media post: what edits and films refer to."""

    id: str
    owner: str
    media_type: str
    prompt: str = ""
    media_url: str = ""


class Film(msgspec.Struct, frozen=True):
    """A film that was made, with its length so far; a longer one goes on from it."""

    owner: str
    seconds: int


class Holdings:
    """Everything that is kept, of all accounts; the oldest goes when there is too much."""

    def __init__(self) -> None:
        self.files: OrderedDict[str, Kept] = OrderedDict()
        self.posts: OrderedDict[str, Post] = OrderedDict()
        self.films: OrderedDict[str, Film] = OrderedDict()
        self.shared: OrderedDict[str, str] = OrderedDict()  # name on the public host -> file id

    def keep(self, *files: Kept) -> None:
        """Takes files in."""
        for file in files:
            _add(self.files, file.id, file)

    def drop(self, ident: str) -> None:
        """Forgets a file."""
        self.files.pop(ident, None)

    def at(self, path: str) -> tuple[Kept, Sample] | None:
        """The file at a path of the host of files.

        `users/U/ID/content` and `users/U/generated/ID/…` are the same file; with `-part-N` behind the id it is a step
        of the picture, and a film has a `preview_image.jpg` beside it.
        """
        parts = path.removeprefix("/").split("/")
        folder = parts[-2] if len(parts) > 3 else ""
        ident, found, step = folder.partition(_PART)
        file = self.files.get(ident)
        if file is None or file.path.split("/")[:2] != parts[:2]:
            return None
        if found:
            return (file, samples.preview(file.id, int(step))) if step.isdecimal() else None
        return file, samples.picture(file.id) if parts[-1] == "preview_image.jpg" else file.sample

    def of(self, owner: str) -> list[Kept]:
        """The files of an account, the newest first."""
        return [file for file in reversed(self.files.values()) if file.owner == owner]

    def owns(self, owner: str, ident: str) -> bool:
        """Whether this is a file of that account."""
        file = self.files.get(ident)
        return file is not None and file.owner == owner

    def owns_at(self, owner: str, url: str) -> bool:
        """Whether the URL is that of a file of the account, whatever host it names."""
        _, found, rest = url.partition("/users/")
        kept = self.at(f"users/{rest}") if found else None
        return kept is not None and kept[0].owner == owner

    def post(self, post: Post) -> None:
        _add(self.posts, post.id, post)

    def posted(self, owner: str, ident: object) -> bool:
        """Whether this is a post of that account; a film that was made is one too."""
        known = self.posts.get(str(ident)) or self.films.get(str(ident))
        return known is not None and known.owner == owner

    def film(self, post_id: str, film: Film) -> None:
        _add(self.films, post_id, film)

    def share(self, name: str, file_id: str) -> None:
        _add(self.shared, name, file_id)


def _add(shelf: OrderedDict[str, _T], ident: str, thing: _T) -> None:
    shelf[ident] = thing
    if len(shelf) > _REMEMBERED:
        shelf.popitem(last=False)
