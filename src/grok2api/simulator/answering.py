"""From a request that passed all checks to a delivery: choose, render, spoil.

Pure apart from the world's counters; used by every surface. A surface brings its `Wire`.
"""

from typing import Any, NamedTuple

import msgspec

from grok2api.simulator import canned, reshape
from grok2api.simulator.delivery import Delivery, Head, Write, plain, rejected, stream
from grok2api.simulator.faults import FAULTS, ErrorLine, Fault, in_order, magic_words
from grok2api.simulator.reading import Asked
from grok2api.simulator.rejections import BY_STATE, REJECTIONS
from grok2api.simulator.render import PLAIN_OPTIONS, Ids, Renderer, RenderOptions, encode
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.script import Script
from grok2api.simulator.world import World

_RENDERED_LIMIT = 256
_PLACE_IDS = Ids(
    "c0000000-0000-4000-8000-00000000c0c0",
    "a0000000-0000-4000-8000-00000000a0a0",
    "e0000000-0000-4000-8000-00000000e0e0",
)


class Stop(Exception):  # noqa: N818 - an early answer, not a bug
    """Leaves an endpoint early with what is to be sent."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(str(delivery.status))
        self.delivery = delivery


class Wire(NamedTuple):
    """How a surface renders. `sockets`: frames are messages, and faults of HTTP do not apply."""

    name: str
    render: Renderer
    error: ErrorLine
    media: str
    on_console: bool = False
    sockets: bool = False


class Turn(NamedTuple):
    """One answer to be made: what was decided about it. `echo` is what the renderer wants of the request."""

    faults: tuple[Fault, ...]
    script: Script
    delay: float


def refusal(name: str, wire: Wire, retry_after: float | None = None) -> Stop:
    """The answer that a row of the rejections stands for."""
    return Stop(rejected(REJECTIONS[name][0], on_console=wire.on_console, retry_after=retry_after))


def check_state(state: str, wire: Wire) -> None:
    """Stops unless the account is well."""
    if state != "ok":
        raise refusal(BY_STATE[state], wire)


def decide(world: World, wire: Wire, seen: Seen, asked: Asked, script: Script | None = None) -> Turn:
    """Faults from scenarios and magic words, and the script: that of a scenario, else `script`, else a canned answer.

    Stops when one of the faults is a rejection.
    """
    chosen = world.choose(seen)
    words, unknown = magic_words(asked.text)
    faults = tuple(fault for fault in in_order((*chosen.faults, *words)) if _fits(fault, wire))
    for fault in faults:
        if FAULTS[fault.name].effect.rejection:
            raise refusal(FAULTS[fault.name].effect.rejection, wire, fault.value)
    unknown = tuple(word for word in unknown if word != "tools")
    script = chosen.script or script or canned.answer(asked, unknown)
    for fault in faults:
        change = FAULTS[fault.name].effect.script
        script = script if change is None else change(script, fault)
    return Turn(faults, script, chosen.delay)


def _fits(fault: Fault, wire: Wire) -> bool:
    return FAULTS[fault.name].sockets or not wire.sockets


def deliver(world: World, wire: Wire, turn: Turn, echo: Any, ids: Ids, *, whole: bool = False) -> Delivery:
    """The delivery of one turn; `whole` asks for one JSON object instead of a stream."""
    if world.options.burst and not (whole or turn.delay or wire.sockets or turn.script.makes):
        return _burst(world, wire, turn, echo, ids)
    return _delivery(wire, turn, echo, ids, whole=whole)


def _delivery(wire: Wire, turn: Turn, echo: Any, ids: Ids, *, whole: bool) -> Delivery:
    rendered = wire.render(turn.script, echo, ids, habits(turn.faults))
    delivery = plain(encode(rendered.whole)) if whole else stream(rendered.frames, wire.media)
    if turn.delay and not whole:
        delivery = reshape.slow(delivery, turn.delay)
    return spoil(delivery, turn.faults, wire)


def habits(faults: tuple[Fault, ...]) -> RenderOptions:
    """How the upstream behaves with these faults."""
    options = PLAIN_OPTIONS
    for fault in faults:
        change = FAULTS[fault.name].effect.options
        options = options if change is None else change(options, fault)
    return options


def spoil(delivery: Delivery, faults: tuple[Fault, ...], wire: Wire) -> Delivery:
    """The delivery after everything that goes wrong with it."""
    for fault in faults:
        change = FAULTS[fault.name].effect.delivery
        delivery = delivery if change is None else change(delivery, fault, wire.error)
    return reshape.whole_messages(delivery) if wire.sockets else delivery


def _burst(world: World, wire: Wire, turn: Turn, echo: Any, ids: Ids) -> Delivery:
    """An answer in one write. It is rendered once; later ones only get their own ids."""
    key = (wire.name, turn, encode(echo), ids.continued, ids.owner)
    known = world.rendered.get(key)
    if known is None:
        known = _delivery(wire, turn, echo, _PLACE_IDS._replace(continued=ids.continued, owner=ids.owner), whole=False)
        if known.is_plain and "Content-Encoding" not in known.headers and not _cuts(turn):
            known = msgspec.structs.replace(known, steps=(Head(), Write(known.body)))
        if len(world.rendered) >= _RENDERED_LIMIT:
            world.rendered.clear()
        world.rendered[key] = known
    if len(known.steps) != 2 or not isinstance(known.steps[1], Write) or "Content-Encoding" in known.headers:
        return _delivery(wire, turn, echo, ids, whole=False)
    body = known.steps[1].data
    for placed, own in zip(_PLACE_IDS[:3], ids[:3], strict=True):
        body = body.replace(placed.encode(), own.encode())
    return msgspec.structs.replace(known, steps=(Head(), Write(body)))


def _cuts(turn: Turn) -> bool:
    return any(fault.name in ("split", "eof") for fault in turn.faults)


def faults_of(world: World, wire: Wire, seen: Seen) -> tuple[Fault, ...]:
    """For endpoints that answer no question: what scenarios say. Stops when one of them is a rejection."""
    faults = in_order(world.choose(seen).faults)
    for fault in faults:
        if FAULTS[fault.name].effect.rejection:
            raise refusal(FAULTS[fault.name].effect.rejection, wire, fault.value)
    return faults


def side_faults(world: World, wire: Wire, seen: Seen, delivery: Delivery) -> Delivery:
    """The delivery of such an endpoint, with what scenarios do to it."""
    return spoil(delivery, faults_of(world, wire, seen), wire)
