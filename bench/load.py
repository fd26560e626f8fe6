"""The whole gateway under load, and its peers on the same work in the same interleaved rounds.

The program under test has one core; the fake upstream and the load, one process, have the other. Every scenario is
run once a round for each peer, in turn, so that what the machine does meanwhile hits all of them alike.
"""

import asyncio
import gc
import resource
import socket
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.processes import LOAD_CORE, gateway, litellm, nginx, pin
from bench.scenarios import WHOLE_TOKENS, Options, Peer, Results, Scenarios
from bench.upstream import FakeUpstream

ACCOUNTS = 1_000


async def measure(options: Options) -> Results:
    """Start everything, measure, stop everything. Raises `CannotStart`, `LoadError`."""
    pinned = pin(LOAD_CORE)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))
    gc.disable()
    results = Results()
    if not pinned:
        results.notes.append("the processes could not be kept to cores of their own: figures are unsure")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="grok2api-bench-")))
        upstream = FakeUpstream()
        await upstream.start()
        stack.callback(upstream.close)
        upstream.burst(WHOLE_TOKENS)
        peers = await _peers(folder, upstream, options, results, stack)
        bench = Scenarios(upstream, options, results)
        for peer in peers:
            await bench.warm(peer)
        for peer in peers:
            await bench.memory(peer)
        for _ in range(options.rounds):
            gc.collect()
            await bench.round(peers)
        for _ in range(options.paced_rounds):
            gc.collect()
            await bench.paced(peers)
    return results


async def _peers(
    folder: Path, upstream: FakeUpstream, options: Options, results: Results, stack: ExitStack
) -> list[Peer]:
    peers = [Peer("direct", upstream.port, "none", "web", None)]
    ours = await gateway(folder, free_port(), upstream.port, ACCOUNTS)
    stack.callback(ours.stop)
    peers.append(Peer("gateway", ours.port, ours.key, "web", ours))
    proxy = await nginx(folder, free_port(), upstream.port)
    if proxy is None:
        results.notes.append("nginx was not found: its rows are missing (install the package `nginx` to have them)")
    else:
        stack.callback(proxy.stop)
        peers.append(Peer("nginx", proxy.port, proxy.key, "web", proxy))
    if options.litellm is not None:
        other = await litellm(folder, free_port(), upstream.port, options.litellm)
        stack.callback(other.stop)
        peers.append(Peer("litellm", other.port, other.key, "openai", other, pace=0.02))
    await asyncio.sleep(1.0)
    for peer in peers:
        if peer.program is not None:
            results.add("start to first 200 (s)", peer.name, peer.program.started)
            results.add("idle memory (MB)", peer.name, peer.program.memory())
    return peers


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
