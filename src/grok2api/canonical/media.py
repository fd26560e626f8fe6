"""Pictures and films: what a client asked for, and what an upstream tells while it makes them.

A run that makes media has no parts, no text and no tokens, so it does not go through the sequencer. Its grammar:

    (Progressed | Previewed | Made | Withheld | Reached)* (Completed | Failed)

`Progressed` never falls. `Completed` means that something was made, though perhaps less than asked for. `Failed` may
come after `Made`: then what was made is good, and the rest may be asked of another account.
"""

from typing import Literal

import msgspec

from grok2api.canonical.events import Failed, Previewed, Progressed

# --- what is asked for ---------------------------------------------------------------------------


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Pictures from words. `ratio` is one of `choices.RATIOS`."""

    prompt: str
    n: int = 1
    ratio: str = "1:1"


class EditRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Pictures from pictures. `@IMAGE1` in the prompt means the first of them."""

    prompt: str
    n: int = 1
    ratio: str = "1:1"


class VideoRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A film from words, and perhaps from pictures. The values are those of `choices`."""

    prompt: str
    seconds: int = 6
    ratio: str = "9:16"
    resolution: str = "720p"
    preset: str = "custom"


MediaRequest = ImageRequest | EditRequest | VideoRequest

# --- what comes of it ----------------------------------------------------------------------------


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or film.

    id: the upstream's own name for it. url: where the upstream has it; `bound` when only the account that made it can
    open that. data: the file itself, where it came along. mime: as far as the upstream told; empty when it did not.
    preview: a picture that was never finished, kept because nothing better came. poster: where a picture of a film is.
    """

    kind: Literal["image", "video"] = "image"
    id: str = ""
    url: str = ""
    bound: bool = True
    data: bytes = b""
    mime: str = ""
    preview: bool = False
    poster: str = ""

    def __repr__(self) -> str:
        return f"Artifact({self.kind}, {self.id}, {len(self.data)} bytes)"


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """How far a film has come, to be kept over a restart.

    A film of more than ten seconds is made in segments. `started` of them were asked for and `finished` are whole;
    while the first number is greater the upstream may be at work, and asking again would be a second film. post: the
    post that the film belongs to. film: the post of what is finished, `seconds` long; artifact: its file.
    """

    started: int = 0
    finished: int = 0
    post: str = ""
    film: str = ""
    seconds: int = 0
    artifact: Artifact | None = None

    @property
    def at_rest(self) -> bool:
        """Whether a run may be taken up from here."""
        return self.started == self.finished


#: Before anything was asked for.
BEGINNING = Checkpoint()


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A picture or film that opens for everybody: as file `id` of the media cache, or at a public `url`, or both."""

    kind: Literal["image", "video"] = "image"
    id: str = ""
    url: str = ""
    mime: str = ""


class Made(msgspec.Struct, frozen=True):
    """Picture `slot`, or the film, is whole."""

    artifact: Artifact
    slot: int = 0


class Kept(msgspec.Struct, frozen=True):
    """Picture `slot`, or the film, is where clients can have it."""

    result: Result
    slot: int = 0


class Withheld(msgspec.Struct, frozen=True, gc=False):
    """Picture `slot`, or the film, was made and is kept back: it was moderated."""

    slot: int = 0


class Reached(msgspec.Struct, frozen=True):
    """The run has come so far; to be kept before the next fact is asked for."""

    checkpoint: Checkpoint


class Completed(msgspec.Struct, frozen=True, gc=False):
    """The run is over, with so many results."""

    made: int
    withheld: int = 0


MediaFact = Progressed | Previewed | Made | Withheld | Reached | Completed | Failed
