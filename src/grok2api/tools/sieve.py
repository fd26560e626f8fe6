"""The sieve: a stage that finds the calls in an answer's words and turns them into calls.

Works on a stream. Promises: no character that is not part of a call (or of the white space and fence directly
around one) is lost or invented, no tag of a call is shown, plain prose is passed on as it arrives, and the
result does not depend on how the text was cut. Only words are read: thinking may mention tags as it likes.

What a call may look like is known to `block` and `held`; here is what becomes of it. Three failures ask the gateway
to ask once more, each only before anything was shown: a call that was demanded and did not come, arguments
that cannot be mended, and arguments that the tool's schema refuses.
"""

from collections.abc import Callable, Sequence

import msgspec

from grok2api.canonical.events import (
    CallArgued,
    CallClosed,
    CallOpened,
    Cited,
    Ended,
    Fact,
    Failed,
    Finish,
    Produced,
    Reasoned,
    Said,
    Thought,
)
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Tool, ToolChoice
from grok2api.tools import scanner
from grok2api.tools.block import Block, Status
from grok2api.tools.forms import Draft
from grok2api.tools.held import EscapedBlock, JsonAnswer
from grok2api.tools.offers import Offers
from grok2api.tools.prompt import missing
from grok2api.tools.spans import Spans
from grok2api.tools.validate import check


class Sieve:
    """One answer's sieve. `feed` it every batch of facts, in order.

    tools, tool_choice: as in the request; parallel: whether more than one call may come (a second is dropped
    when not). new_id: makes a call's id from a prefix. hold: arguments up to that many characters are judged whole
    before anything of the call is shown; longer ones are streamed.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        tool_choice: ToolChoice,
        parallel: bool,
        new_id: Callable[[str], str],
        hold: int = 128,
    ) -> None:
        self._offers = Offers.of(tools, tool_choice)
        self._choice = tool_choice
        self._parallel = parallel
        self._new_id = new_id
        self._hold = hold
        self._out: list[Fact] = []
        self._withheld: list[Fact] | None = [] if tool_choice.demands_call else None
        self._spans = Spans()
        self._state: Callable[[str], str] = self._first
        self._reader: Block | EscapedBlock | JsonAnswer = JsonAnswer(self._offers)
        self._pending = ""  # text that may still belong to a block
        self._lead = ""  # what stood directly before the block that is read
        self._ticks = 0  # back quotes that must close the fence around the block
        self._in_wrapper = False
        self._spoke = False
        self._fresh = True  # no text since the beginning or the last block
        self._flowing = False  # plain text may pass at once
        self._streaming = False
        self._muted = False  # a call that is read but not told
        self._late: list[Fact] = []  # thinking that came while a call was open
        self._visible = False
        self._called = False
        self._over = False

    def feed(self, facts: list[Fact]) -> list[Fact]:
        """The facts, with calls in the place of the words that made them. Nothing follows a failure."""
        out: list[Fact] = []
        self._out = out
        for fact in () if self._over else facts:
            if type(fact) is Said:
                text = fact.text
                if self._flowing and not ("<" in text or "&" in text or "\n" in text):
                    self._spans.told += len(text)
                    out.append(fact)
                else:
                    self._read(text)
            else:
                self._other(fact)
            if self._over:
                break
        return out

    # --- facts -------------------------------------------------------------------------------

    def _other(self, fact: Fact) -> None:
        match fact:
            case Cited():
                self._spans.cite(fact)
                self._cite()
            case Ended():
                self._end(fact)
            case Failed():
                self._say(self._pending if self._visible else "")
                self._out.append(fact)
                self._over = True
            case Thought() | Reasoned() if self._streaming:
                self._late.append(fact)
            case _:
                self._visible = self._visible or isinstance(fact, Produced)
                self._out.append(fact)

    def _emit(self, fact: Fact) -> None:
        """Text waits while a call is demanded and has not come."""
        if self._withheld is None:
            self._visible = True
            self._out.append(fact)
        else:
            self._withheld.append(fact)

    def _say(self, text: str) -> None:
        if text:
            self._spoke, self._fresh = True, False
            self._spans.told += len(text)
            self._emit(Said(text))

    def _cite(self, *, all_of_them: bool = False) -> None:
        for cited in self._spans.ready(all_of_them=all_of_them):
            self._emit(cited)

    def _fail(self, problem: Problem) -> None:
        self._out.append(Failed(problem))
        self._over = True

    # --- text --------------------------------------------------------------------------------

    def _read(self, text: str) -> None:
        text = self._pending + text
        self._pending = ""
        while text and not self._over:
            text = self._state(text)
        if self._over:
            return
        self._cite()
        self._flowing = self._state == self._prose and not self._pending and not self._fresh and self._withheld is None

    def _first(self, text: str) -> str:
        """Nothing was said yet: JSON that begins here may be calls."""
        start = scanner.json_start(text)
        if start is None:
            self._pending = text
            return ""
        if start < 0:
            self._state = self._prose
            return text
        return self._begin(text, 0, start, JsonAnswer(self._offers))

    def _prose(self, text: str) -> str:
        at = 0
        while True:
            at, opener = scanner.find_opener(text, at)
            if opener is None or self._in_wrapper or not opener.group().startswith("</"):
                break
            at += 1
        lead = scanner.lead_in(text, at, self._fresh)
        if opener is None:
            self._say(text[:lead])
            self._pending = text[lead:]
            return ""
        if opener.group().startswith("</"):
            self._say(text[:lead])
            self._spans.remove(opener.end() - lead)
            self._in_wrapper = False
            self._state = self._after
            return text[opener.end() :]
        escaped = opener.group().startswith("&")
        return self._begin(text, lead, at, EscapedBlock(self._offers) if escaped else Block(self._offers, self._hold))

    def _begin(self, text: str, lead: int, start: int, reader: Block | EscapedBlock | JsonAnswer) -> str:
        self._say(text[:lead])
        self._lead = text[lead:start]
        self._reader = reader
        self._state = self._block
        return text[start:]

    def _block(self, text: str) -> str:
        rest = self._reader.feed(text)
        self._advance()
        return rest

    def _after(self, text: str) -> str:
        """White space, the wrapper's end and the fence's end directly after a call belong to it."""
        rest = text.lstrip()
        self._spans.remove(len(text) - len(rest))
        if not rest:
            return ""
        if self._ticks and rest[0] == "`":
            return self._close_fence(rest)
        at, closer = scanner.find_opener(rest, 0)
        if at == 0 and closer is None:
            self._pending = rest
            return ""
        if self._in_wrapper and closer is not None and at == 0 and closer.group().startswith("</"):
            self._in_wrapper = False
            self._spans.remove(closer.end())
            return rest[closer.end() :]
        self._state = self._prose if self._spoke else self._first
        self._fresh = True
        return rest

    def _close_fence(self, text: str) -> str:
        ticks = len(text) - len(text.lstrip("`"))
        if ticks < self._ticks and ticks == len(text):
            self._pending = text
            return ""
        removed = self._ticks if ticks >= self._ticks else 0
        self._ticks = 0
        self._spans.remove(removed)
        return text[removed:]

    # --- calls -------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Pass on what the reader has come to."""
        reader = self._reader
        if reader.opened:
            self._stream(reader)
        if reader.status is Status.FAILED:
            self._say(self._lead + reader.raw)
            self._state = self._prose
        elif reader.status is Status.DONE:
            self._take(reader)

    def _stream(self, reader: Block | EscapedBlock | JsonAnswer) -> None:
        text = reader.take()
        if not self._streaming:
            self._streaming = True
            self._muted = self._called and not self._parallel
            assert reader.tool is not None
            self._open(reader.tool)
        if text and not self._muted:
            self._out.append(CallArgued(text))

    def _take(self, reader: Block | EscapedBlock | JsonAnswer) -> None:
        if self._streaming:
            self._close()
        elif not self._tell(reader.drafts):
            self._say(self._lead + reader.raw)
            self._state = self._prose
            return
        self._spans.remove(len(self._lead) + reader.size)
        self._ticks = self._lead.count("`") or self._ticks
        self._in_wrapper = self._in_wrapper or reader.wrapped
        self._state = self._after

    def _tell(self, drafts: list[Draft]) -> bool:
        """Tell whole calls; False when they cannot be told and are text.

        Arguments that the schema refuses are told all the same once something was shown: asking again is
        no longer possible, and the client's tool will say what is wrong.
        """
        for draft in drafts:
            reason = _fault(draft)
            if reason and not self._visible:
                self._fail(_broken(draft.tool, reason))
                return True
        if any(draft.arguments is None for draft in drafts):
            return False
        for draft in drafts:
            self._muted = self._called and not self._parallel
            self._open(draft.tool)
            if draft.arguments and not self._muted:
                self._out.append(CallArgued(draft.arguments))
            self._close()
        return True

    def _open(self, tool: Tool) -> None:
        if self._withheld is not None:
            self._out.extend(self._withheld)
            self._withheld = None
        if not self._muted:
            self._visible = self._called = True
            self._out.append(CallOpened(self._new_id("call_"), tool.name, tool.custom, tool.namespace))

    def _close(self) -> None:
        if not self._muted:
            self._out.append(CallClosed())
        self._streaming = self._muted = False
        self._out.extend(self._late)
        self._late = []

    # --- the end -----------------------------------------------------------------------------

    def _end(self, ended: Ended) -> None:
        cut = False
        if self._state == self._block:
            self._reader.finish()
            if self._is_broken(self._reader):
                return
            cut = self._reader.cut
            self._advance()
        if not (self._state == self._after and self._is_closing(self._pending)):
            self._say(self._pending)
        if self._withheld is not None and ended.finish in (Finish.CONTENT_FILTER, Finish.REFUSAL):
            self._out.extend(self._withheld)
            self._withheld = None
        if self._withheld is not None and not self._over:
            self._fail(missing(self._choice))
        if self._over:
            return
        self._cite(all_of_them=True)
        if ended.finish is Finish.STOP and self._called:
            ended = msgspec.structs.replace(ended, finish=Finish.LENGTH if cut else Finish.TOOL_CALLS)
        self._out.append(ended)
        self._over = True

    def _is_closing(self, rest: str) -> bool:
        """Whether what the answer ends with, after a call, is the beginning of what would have closed its block."""
        if self._in_wrapper and any(f"</{name}>".startswith(rest.lower()) for name in scanner.WRAPPERS):
            return True
        return self._ticks > 0 and not rest.strip("`")

    def _is_broken(self, reader: Block | EscapedBlock | JsonAnswer) -> bool:
        """Whether the answer fails because its last call cannot be read: it was closed, or it was demanded."""
        demanded = self._withheld is not None
        if self._visible or reader.status is not Status.FAILED or reader.tool is None:
            return False
        if demanded or reader.closed:
            self._fail(_broken(reader.tool, "the arguments cannot be read"))
        return self._over


def _broken(tool: Tool, reason: str) -> Problem:
    message = f"The call of {tool.name} is wrong: {reason}"
    return Problem(kind=Kind.CALL_BROKEN, code="invalid_tool_call", message=message)


def _fault(draft: Draft) -> str | None:
    """What is wrong with a call's arguments, if anything."""
    if draft.arguments is None:
        return "the arguments cannot be read"
    return check(draft.tool, draft.arguments)
