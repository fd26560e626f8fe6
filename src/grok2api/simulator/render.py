"""What the three renderers share: frames, what can be asked of a renderer, and ids.

Pure. A renderer turns a `Script` into frames; a frame is what the upstream writes at once, with a
kind that faults aim at ("after the third token", "without the end").
"""

import uuid
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from grok2api.simulator.script import Picture, Say, Script, Think, tokens

encode = msgspec.json.Encoder().encode

FrameKind = Literal["meta", "thought", "token", "card", "end"]


class Frame(NamedTuple):
    """Bytes that are written together. `token` frames carry a piece of the answer's text or a call."""

    data: bytes
    kind: FrameKind = "meta"


class Rendered(NamedTuple):
    """An answer on a wire; `whole` is what a call without streaming gets (console)."""

    frames: list[Frame]
    whole: dict[str, Any]


class InBand(NamedTuple):
    """An error inside a 200. place: a line of its own, inside the response, or in its `streamErrors`."""

    code: int
    message: str
    place: Literal["top", "nested", "late"] = "top"


class RenderOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Habits of the upstream that vary. The first block is grok.com's, the second the console's, then those of media:
    over the imagine socket, in edits and films, in uploads, in the list of files.

    annotations: 1 = full, 2 = title is the url and the indices are 0, 3 = only type and url.
    upload_ids: how many of the ids of an uploaded file are left out. spelling: the number of the list's spelling.
    """

    soft_stop: bool = True
    model_responses: int = 1
    final_metadata: bool = True
    glued: bool = False
    unknown: bool = False
    prefixed: bool = False
    flat: bool = False
    card_xml_only: bool = False

    summaries: bool = True
    encrypted: bool = False
    interleaved: bool = False
    argument_events: bool = True
    done_line: bool = False
    annotations: int = 1

    blobs: bool = True
    blob_uris: bool = False
    relative_urls: bool = False
    job_names: bool = False
    shuffled: bool = False

    final_frame: bool = True
    film_url: bool = True
    generated_urls: bool = True
    early_response: bool = False

    upload_ids: int = 0
    upload_paths: bool = True
    terminal_error: bool = False

    spelling: int = 0
    same_page: bool = False

    @property
    def ends(self) -> bool:
        """Whether any frame says that the answer is over."""
        return self.soft_stop or self.final_metadata or self.model_responses > 0


class Ids(NamedTuple):
    """The ids of one exchange; `owner` is the user id of the account that asked."""

    conversation: str
    user: str
    answer: str
    continued: bool = False
    owner: str = "simulated"

    def made(self, nth: int) -> str:
        """An id for the n-th thing that the answer made."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.answer}-{nth}"))

    def picture(self, nth: int, step: Picture) -> str:
        """The id of the n-th picture of the answer."""
        return step.name or self.made(nth)

    def path(self, folder: str, file: str) -> str:
        """Where the host of files has a result."""
        return f"users/{self.owner}/generated/{folder}/{file}"


PLAIN_OPTIONS = RenderOptions()

#: Renders one exchange; `asked` is the caller's message, or its body for the console.
Renderer = Callable[[Script, Any, Ids, RenderOptions], Rendered]


def answer_text(script: Script) -> str:
    """The words of the answer, without citations."""
    return "".join(step.text for step in script.steps if isinstance(step, Say))


def thinking_tokens(script: Script) -> int:
    """How many tokens the reasoning counts."""
    return sum(len(tokens(step.text)) for step in script.steps if isinstance(step, Think))
