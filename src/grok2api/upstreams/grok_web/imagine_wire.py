"""grok.com's imagine socket: requests out, messages in, pictures in rounds.

Pure. A round is a reset and a request; then the upstream starts slots, shows each getting better, and completes it:
with a picture, or withheld. It may complete them in any order, start fewer than were asked for, and close the socket at
any time. `Round` is one of these; `Imagine` goes from round to round until there are enough pictures, or until more
rounds make no sense. A picture that was never completed is kept aside, and only counts when nothing better comes.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from grok2api.canonical.events import Failed, Previewed, Progressed
from grok2api.canonical.media import Artifact, Completed, ImageRequest, Made, MediaFact, Withheld
from grok2api.canonical.problem import Kind, Problem
from grok2api.upstreams.grok_web.assets_wire import artifact_at, type_of
from grok2api.upstreams.grok_web.media_reading import IMAGE_INCOMPLETE
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.teller import WHAT, withheld
from grok2api.upstreams.reading import MALFORMED
from grok2api.upstreams.refusals import classify_error

#: Pictures that a round usually makes, by whether the better quality is asked for.
SLOTS: Mapping[bool, int] = {False: 6, True: 4}

_STARTED = 10
_UNKNOWN = 50
_ALMOST = 99
_EVIDENCE_BYTES = 400
_EXTRA_ROUNDS = 3
_PER_ROUND = 4
_FRUITLESS = 2
_FOLDER = re.compile(r"/generated/([^/]+?)(?:-part-\d+)?/")
_STEM = re.compile(r"/([^/?#]+?)(?:-part-\d+)?\.\w+(?:[?#]|$)")
_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[^,;]*)*?;base64,", re.ASCII)


def socket_url(options: WebOptions) -> str:
    """Where to connect."""
    base = options.ws_url or "ws" + options.base_url.removeprefix("http")
    return f"{base}/ws/imagine/listen"


def reset(now_ms: int) -> str:
    """The message that begins a round."""
    return _message(now_ms, {"type": "reset"})


def ask(request: ImageRequest, count: int, options: WebOptions, now_ms: int, request_id: str, *, pro: bool) -> str:
    """The message that asks for `count` pictures."""
    properties = {
        "section_count": 0,
        "is_kids_mode": False,
        "enable_nsfw": options.media.nsfw,
        "skip_upsampler": False,
        "enable_side_by_side": True,
        "is_initial": False,
        "aspect_ratio": request.ratio,
        "enable_pro": pro,
        "num_generations": count,
    }
    content = {"requestId": request_id, "type": "input_text", "text": request.prompt, "properties": properties}
    return _message(now_ms, content)


def _message(now_ms: int, content: dict[str, Any]) -> str:
    item = {"type": "message", "content": [content]}
    return msgspec.json.encode({"type": "conversation.item.create", "timestamp": now_ms, "item": item}).decode()


class _Frame(msgspec.Struct, gc=False):
    """A message of the upstream's; what comes in several types is read where it is used."""

    type: str = ""
    current_status: str | None = None
    image_id: str | None = None
    job_id: str | None = None
    order: Any = None
    side_by_side_index: Any = None
    grid_index: Any = None
    url: str | None = None
    blob: str | None = None
    percentage_complete: float | None = None
    moderated: bool | None = None
    err_code: Any = None
    err_msg: Any = None
    error: Any = None

    @property
    def id(self) -> str:
        return self.image_id or self.job_id or ""

    @property
    def place(self) -> int | None:
        found = (self.order, self.side_by_side_index, self.grid_index)
        return next((value for value in found if isinstance(value, int) and not isinstance(value, bool)), None)


_decode = msgspec.json.Decoder(_Frame).decode


class Slot:
    """One picture of a round. `number` counts over all rounds."""

    __slots__ = ("data", "done", "id", "made", "mime", "number", "percent", "place", "url")

    def __init__(self, ident: str, place: int | None, number: int) -> None:
        self.id = ident
        self.place = place
        self.number = number
        self.percent = _STARTED
        self.data = b""
        self.mime = ""
        self.url = ""
        self.done = False
        self.made = False


class Round:
    """One round, in which so many pictures are `missing`.

    first: the number of its first slot. gone: ids of slots of earlier rounds, which may still be talked about.
    settled: every slot that has started is done, though another may still start. over: nothing more is to be read.
    problem: the error that ended it.
    """

    __slots__ = ("_first", "_gone", "_missing", "_options", "made", "problem", "slots", "strange", "withheld")

    def __init__(self, options: WebOptions, missing: int, first: int = 0, gone: Collection[str] = ()) -> None:
        self._options = options
        self._missing = missing
        self._first = first
        self._gone = gone
        self.slots: list[Slot] = []
        self.made = 0
        self.withheld = 0
        self.problem: Problem | None = None
        self.strange = b""

    @property
    def settled(self) -> bool:
        return bool(self.slots) and all(slot.done for slot in self.slots)

    @property
    def over(self) -> bool:
        return self.problem is not None or self.made >= self._missing

    def feed(self, text: str) -> list[MediaFact]:
        """The facts of one message; progress is told by `percents`."""
        out: list[MediaFact] = []
        if self.over:
            return out
        try:
            frame = _decode(text)
        except MALFORMED:
            self._wonder(text)
            return out
        handler = self._HANDLERS.get(frame.current_status if frame.type == "json" else frame.type)
        if handler is None:
            self._wonder(text)
        else:
            handler(self, frame, out)
        return out

    def spares(self) -> Iterator[Slot]:
        """The pictures that were begun and never completed, the best first."""
        begun = (slot for slot in self.slots if not slot.done and slot.data)
        return iter(sorted(begun, key=lambda slot: -slot.percent))

    def percents(self) -> list[int]:
        """How far the slots are that are neither withheld nor lost."""
        return [slot.percent for slot in self.slots if slot.made or not slot.done]

    def artifact(self, slot: Slot, *, preview: bool = False) -> Artifact:
        """What has come of a slot."""
        found = artifact_at(slot.url, "image", slot.id, self._options) if slot.url else Artifact(id=slot.id)
        mime = slot.mime or found.mime
        return msgspec.structs.replace(found, data=slot.data, mime=mime, preview=preview)

    def _wonder(self, text: str) -> None:
        self.strange = self.strange or text.encode("utf-8", "replace")[:_EVIDENCE_BYTES]

    def _slot(self, ident: str, place: int | None) -> Slot | None:
        """The slot that a message is about: that of the id, else the only open one at the place, else a new one."""
        if ident and ident in self._gone:
            return None
        known = [slot for slot in self.slots if ident and slot.id == ident]
        there = [slot for slot in self.slots if place is not None and slot.place == place and not slot.done]
        if known or len(there) == 1:
            slot = (known or there)[0]
            return None if slot.done else slot
        return self._start(ident, place) if ident else None

    def _start(self, ident: str, place: int | None) -> Slot:
        self.slots.append(Slot(ident, place, self._first + len(self.slots)))
        return self.slots[-1]

    def _on_start(self, frame: _Frame, out: list[MediaFact]) -> None:
        known = frame.id and (frame.id in self._gone or any(slot.id == frame.id for slot in self.slots))
        if not known:
            self._start(frame.id, frame.place)

    def _on_image(self, frame: _Frame, out: list[MediaFact]) -> None:
        slot = self._slot(_id_in(frame.url or "") or frame.id, frame.place)
        if slot is None:
            return
        told = _UNKNOWN if frame.percentage_complete is None else int(frame.percentage_complete)
        slot.percent = max(slot.percent, min(max(told, _STARTED), _ALMOST))
        slot.url = frame.url or slot.url
        data, mime = _decoded(frame.blob or "")
        if data:
            slot.data, slot.mime = data, mime or type_of(slot.url)
            if told < 100:
                out.append(Previewed(slot.number, slot.percent, data, slot.mime))

    def _on_completed(self, frame: _Frame, out: list[MediaFact]) -> None:
        slot = self._slot(frame.id, frame.place)
        if slot is None:
            return
        slot.done = True
        if frame.moderated:
            self.withheld += 1
            out.append(Withheld(slot.number))
        elif slot.data or slot.url:
            slot.made, slot.percent = True, 100
            self.made += 1
            out.append(Made(self.artifact(slot), slot.number))

    def _on_error(self, frame: _Frame, out: list[MediaFact]) -> None:
        error = frame.error if frame.error is not None else {"code": frame.err_code, "message": frame.err_msg}
        self.problem = classify_error(error, what=WHAT)

    _HANDLERS: ClassVar[Mapping[str | None, Callable[["Round", _Frame, list[MediaFact]], None]]] = {
        "start_stage": _on_start,
        "image": _on_image,
        "completed": _on_completed,
        "error": _on_error,
    }


class Imagine:
    """The run: rounds until there are `request.n` pictures.

    `wants_round` says whether to ask once more, and `begin` gives the messages to send. Then `feed` it every message,
    until the round is `over`, or until it is `settled` and the socket has nothing more to say; `end_round` closes the
    round, and `finish` the run.
    """

    def __init__(self, request: ImageRequest, options: WebOptions, *, pro: bool) -> None:
        self._request = request
        self._options = options
        self._pro = pro
        self._rounds = 0
        self._fruitless = 0
        self._percent = 0
        self._slots = 0
        self._ids: set[str] = set()
        self._spares: list[tuple[Artifact, int]] = []
        self._strange = b""
        self._problem: Problem | None = None
        self._stopped = False
        self.round = Round(options, 0)
        self.made = 0
        self.withheld = 0

    @property
    def wants_round(self) -> bool:
        """Whether pictures are missing, and another round may bring them."""
        limit = _EXTRA_ROUNDS + math.ceil(self._request.n / _PER_ROUND)
        return (
            not self._stopped and self.made < self._request.n and self._rounds < limit and self._fruitless < _FRUITLESS
        )

    def begin(self, now_ms: int, request_id: str) -> tuple[str, str]:
        """A new round: the two messages that ask for what is missing."""
        missing = self._request.n - self.made
        self._rounds += 1
        count = min(missing, SLOTS[self._pro])
        self.round = Round(self._options, missing, self._slots, self._ids)
        asking = ask(self._request, count, self._options, now_ms + 1, request_id, pro=self._pro)
        return reset(now_ms), asking

    def feed(self, text: str) -> list[MediaFact]:
        """The facts of one message."""
        facts = self.round.feed(text)
        percents = sorted([100] * self.made + self.round.percents(), reverse=True)[: self._request.n]
        percent = min(sum(percents) // self._request.n, 100)
        if percent > self._percent:
            self._percent = percent
            facts.insert(0, Progressed(percent))
        return facts

    def end_round(self, problem: Problem | None = None, *, last: bool = False) -> None:
        """The round is over, or the socket is. `problem` says what went wrong; after the `last` there is no other."""
        ended, self.round = self.round, Round(self._options, 0)
        self._ids.update(slot.id for slot in ended.slots)
        self.made += ended.made
        self.withheld += ended.withheld
        self._slots += len(ended.slots)
        self._fruitless = 0 if ended.made else self._fruitless + 1
        self._spares += [(ended.artifact(slot, preview=True), slot.number) for slot in ended.spares()]
        self._strange = self._strange or ended.strange
        self._problem = ended.problem or problem
        self._stopped = last or ended.problem is not None

    def finish(self, problem: Problem | None = None) -> list[MediaFact]:
        """The last facts: unfinished pictures where better ones are missing, and how it ended.

        `problem` is what kept the run from going on. Then, and after an error, another account may draw the rest, and
        unfinished pictures are let go; a run that could only make no more is complete with what it has.
        """
        missing = self._request.n - self.made
        refused = problem or (None if self._is_silence else self._final)
        if refused is not None and missing:
            return [Failed(refused)]
        out: list[MediaFact] = [Made(artifact, number) for artifact, number in self._spares[:missing]]
        self.made += len(out)
        return [*out, Completed(self.made, self.withheld) if self.made else Failed(self._why())]

    @property
    def _final(self) -> Problem | None:
        """What ended the run for good."""
        return self._problem if self._stopped else None

    @property
    def _is_silence(self) -> bool:
        return self._problem is not None and self._problem.kind is Kind.TIMEOUT

    def _why(self) -> Problem:
        if self._final is not None:
            return self._final
        if self.withheld:
            return withheld()
        if self._problem is not None:
            return self._problem
        message = f"{WHAT} ended its answer without a picture"
        return Problem(kind=Kind.EMPTY, message=message, code=IMAGE_INCOMPLETE, evidence=self._strange)


def _id_in(url: str) -> str:
    """The slot's id in the URL of a picture."""
    found = _FOLDER.search(url) or _STEM.search(url)
    return found[1] if found else ""


def _decoded(blob: str) -> tuple[bytes, str]:
    """The bytes of a blob, and its type where it says one; nothing for what is no base64."""
    found = _DATA_URI.match(blob)
    text = blob[found.end() :] if found else blob
    try:
        data = base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b"", ""
    return data, (found[1] or "") if found else ""
