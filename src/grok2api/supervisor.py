"""Several workers behind one address: started, watched, and ended together.

The parent carries nothing of the gateway. It starts the same command again for each worker, with a socket to listen on
and a line (`place`). The first worker makes or migrates the store and finds out what is wrong with the configuration,
so the others start when it serves; if it cannot, its one line is all that is said. A worker that dies is started again
at once, and later each time. Signals are passed on: SIGTERM and SIGINT drain and end every worker, SIGHUP has each look
at its configuration. Workers are sessions of their own, so that a Ctrl-C reaches them once, through the parent.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence

import msgspec
import structlog

from grok2api.observe.logging import Level, Style, set_up
from grok2api.place import VARIABLE, Place, Serves
from grok2api.transport.tasks import spawn
from grok2api.web.listening import Listeners

#: Seconds until a worker that died is started again: the first is at once, then they double.
FIRST_PAUSE_SEC = 0.5
LONGEST_PAUSE_SEC = 30.0
#: A worker that lived so long has earned a fresh start.
LONG_LIFE_SEC = 60.0

_ENDING = (signal.SIGTERM, signal.SIGINT)

_log = structlog.stdlib.get_logger(__name__)


def pause_before(deaths: int) -> float:
    """Seconds to wait before a worker is started again that died so many times in a row."""
    return 0.0 if deaths <= 1 else min(FIRST_PAUSE_SEC * 2.0 ** min(deaths - 2, 16), LONGEST_PAUSE_SEC)


class Child:
    """One process."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    async def serves(self) -> Serves | None:
        """Wait until it serves; `None` when it ended first."""
        line = await self._reader.readline()
        return msgspec.json.decode(line, type=Serves) if line else None

    async def ended(self) -> int:
        """Wait for its end; the exit code, or minus the signal that killed it."""
        code = await self._process.wait()
        self._writer.close()
        return code

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


class Supervisor:
    """Keeps `count` workers of `command` alive. `started` is called once, when all serve."""

    def __init__(
        self, command: Sequence[str], listeners: Listeners, count: int, started: Callable[[Serves], None]
    ) -> None:
        self._command = command
        self._listeners = listeners
        self._count = count
        self._started = started
        self._children: dict[int, Child] = {}
        self._ending = asyncio.Event()

    async def run(self) -> int:
        """Run until a signal, or until the first worker cannot start; the exit code."""
        with self._listening():
            return await self._run()

    async def _run(self) -> int:
        first = await self._start(1, again=False)
        serves = await first.serves()
        if serves is None:
            return self._code(await first.ended())
        rest = [await self._start(number, again=False) for number in range(2, self._count + 1)]
        keepers = [spawn(self._keep(1, first), "worker-1")]
        keepers += [spawn(self._keep(number, child), f"worker-{number}") for number, child in enumerate(rest, 2)]
        await asyncio.gather(*(child.serves() for child in rest))
        if not self._ending.is_set():
            self._started(serves)
        codes = await asyncio.gather(*keepers)
        return max(codes)

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """What the operator's signals do."""
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            loop.add_signal_handler(number, self.end, number)
        loop.add_signal_handler(signal.SIGHUP, self._pass_on, signal.SIGHUP)
        try:
            yield
        finally:
            for number in (*_ENDING, signal.SIGHUP):
                loop.remove_signal_handler(number)

    async def _start(self, number: int, *, again: bool) -> Child:
        ours, theirs = socket.socketpair()
        listener = self._listeners.one()
        place = Place(number=number, count=self._count, listener=listener.fileno(), line=theirs.fileno(), again=again)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env={**os.environ, VARIABLE: place.written()},
                pass_fds=(listener.fileno(), theirs.fileno()),
                start_new_session=True,
            )
        finally:
            theirs.close()
            listener.close()
        child = self._children[number] = Child(process, *await asyncio.open_connection(sock=ours))
        if self._ending.is_set():
            child.signal(signal.SIGTERM)
        return child

    async def _keep(self, number: int, child: Child) -> int:
        """Keep one worker alive; its exit code once all shall end."""
        loop = asyncio.get_running_loop()
        deaths, born = 0, loop.time()
        while True:
            code = await child.ended()
            if self._ending.is_set():
                return self._code(code)
            deaths = 1 if loop.time() - born > LONG_LIFE_SEC else deaths + 1
            pause = pause_before(deaths)
            _log.warning("a worker ended and is started again", worker=number, code=code, in_sec=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
                return 0
            child, born = await self._start(number, again=True), loop.time()

    def _code(self, code: int) -> int:
        """The exit code that one worker's is to us: who was told to end before it could listen to that ended well."""
        return 0 if self._ending.is_set() and -code in _ENDING else abs(code)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Have every worker drain and end."""
        self._ending.set()
        self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        for child in self._children.values():
            child.signal(number)


def supervise(listeners: Listeners, count: int, started: Callable[[Serves], None], level: Level, style: Style) -> int:
    """Run `count` workers of the command that this process is; the exit code."""
    set_up(level, style)
    command = (sys.executable, "-m", "grok2api", *sys.argv[1:])
    return asyncio.run(Supervisor(command, listeners, count, started).run())
