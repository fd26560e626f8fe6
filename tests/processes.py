"""Ending processes that tests started."""

import asyncio


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill it if it runs, and close its pipes: a child of its own may hold the other end, and it never says that it is
    over."""
    if process.returncode is None:
        process.kill()
    await process.wait()
    process._transport.close()  # type: ignore[attr-defined]
