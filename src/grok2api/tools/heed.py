"""Calls of an upstream that has tools of its own, held to what the client said of them.

Such an upstream is told the choice and is believed to keep to it; here is what happens when it does not, so that forced
means forced on every upstream: a call that nobody allowed is dropped, and a demanded call that did not come fails the
answer before any of it was shown, so that the gateway can ask once more (`reask`).
"""

from collections.abc import Mapping

from grok2api.canonical.events import CallArgued, CallClosed, CallOpened, Cited, Ended, Fact, Failed, Finish, Said
from grok2api.canonical.problem import Kind, Problem
from grok2api.canonical.request import Request, ToolChoice
from grok2api.tools.prompt import FORMAT_CORRECTION, missing, put_again

_CORRECTIONS: Mapping[Kind, str] = {
    Kind.CALL_MISSING: "Your answer called no tool, but this turn needs a call ({message}). Make that call now.",
    Kind.FORMAT_BROKEN: FORMAT_CORRECTION,
}


def demands(request: Request) -> bool:
    """Whether the answer must hold a call of the client's tools; one of the upstream's own may satisfy `required`."""
    choice = request.tool_choice
    return bool(request.tools) and (choice.mode == "named" or (choice.mode == "required" and not request.hosted_tools))


def reask(request: Request, problem: Problem, said: str) -> Request:
    """The request again, with what the model said to it and what is wrong with that."""
    return put_again(request, problem, said, _CORRECTIONS)


class Heed:
    """A stage. Text waits while a call is demanded and has not come; everything else passes at once.

    demanded: whether an answer without a call is none. parallel: whether more than one call may come; further ones are
    dropped when not.
    """

    def __init__(self, choice: ToolChoice, *, demanded: bool, parallel: bool) -> None:
        self._choice = choice
        self._parallel = parallel
        self._withheld: list[Fact] | None = [] if demanded else None
        self._called = False
        self._muted = False

    def feed(self, facts: list[Fact]) -> list[Fact]:
        out: list[Fact] = []
        for fact in facts:
            match fact:
                case Said() | Cited():
                    (out if self._withheld is None else self._withheld).append(fact)
                case CallOpened():
                    self._open(fact, out)
                case CallArgued() | CallClosed():
                    if not self._muted:
                        out.append(fact)
                case Ended():
                    self._end(fact, out)
                case _:
                    out.append(fact)
        return out

    def _open(self, call: CallOpened, out: list[Fact]) -> None:
        self._muted = not self._allows(call)
        if self._muted:
            return
        self._called = True
        self._release(out)
        out.append(call)

    def _allows(self, call: CallOpened) -> bool:
        if self._choice.mode == "none" or (self._called and not self._parallel):
            return False
        return self._choice.mode != "named" or call.name == self._choice.name

    def _end(self, ended: Ended, out: list[Fact]) -> None:
        if ended.finish not in (Finish.STOP, Finish.TOOL_CALLS):
            self._release(out)
        if self._withheld is not None:
            out.append(Failed(missing(self._choice)))
            return
        if ended.finish is Finish.TOOL_CALLS and not self._called:
            ended = Ended(Finish.STOP, ended.usage)
        out.append(ended)

    def _release(self, out: list[Fact]) -> None:
        out += self._withheld or ()
        self._withheld = None
