"""`python -m bench`: measure, and print the figures as Markdown. README.md says what they mean."""

import argparse
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import uvloop

from bench.administration import administration
from bench.client import LoadError
from bench.load import measure
from bench.micro import micro
from bench.processes import CannotStart
from bench.scenarios import Options
from bench.sessions import sessions
from bench.targets import report

_LIBRARIES = ("uvicorn", "uvloop", "httptools", "aiohttp", "msgspec")


def main() -> int:
    """Run what the arguments ask for; 1 when something could not be measured."""
    asked = _arguments()
    print(_heading())
    if asked.what in ("all", "micro"):
        print(f"\n## Pure code\n\n{micro()}", flush=True)
    if asked.what in ("all", "load"):
        options = Options(rounds=asked.rounds, paced_rounds=max(1, asked.rounds - 1), litellm=asked.litellm)
        try:
            results = uvloop.run(measure(options))
        except (CannotStart, LoadError, TimeoutError) as error:
            print(f"bench: {error or 'no answer in time'}", file=sys.stderr)
            return 1
        print(f"\n## Under load\n\n{report(results)}")
    if asked.what == "sessions":
        print(f"\n## Long sessions\n\n{uvloop.run(sessions())}")
    if asked.what == "accounts":
        servers = {"postgresql": asked.postgresql, "mariadb": asked.mariadb}
        found = uvloop.run(administration(asked.accounts, {name: url for name, url in servers.items() if url}))
        print(f"\n## Accounts\n\n{found}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the gateway and its peers.")
    parser.add_argument("what", nargs="?", choices=("all", "micro", "load", "sessions", "accounts"), default="all")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--litellm", type=Path, metavar="PYTHON", help="python of an environment with litellm[proxy]")
    parser.add_argument("--accounts", type=int, default=100_000, help="how many, for `accounts` (default 100,000)")
    for engine in ("postgresql", "mariadb"):
        parser.add_argument(f"--{engine}", metavar="URL", help=f"a server for `accounts`, as {engine}://user@host/name")
    return parser.parse_args()


def _heading() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"{day}, {platform.python_implementation()} {platform.python_version()}, {libraries}"


if __name__ == "__main__":
    sys.exit(main())
