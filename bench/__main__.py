"""`python -m bench`: measure, and print the figures as Markdown. README.md says what they mean."""

import argparse
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

import uvloop

from bench.client import LoadError
from bench.load import measure
from bench.micro import micro
from bench.processes import CannotStart
from bench.scenarios import Options
from bench.store import store_table
from bench.targets import report

_LIBRARIES = ("uvicorn", "uvloop", "httptools", "aiohttp", "msgspec")


def main() -> int:
    """Run what the arguments ask for; 1 when something could not be measured."""
    asked = _arguments()
    print(_heading())
    if asked.what in ("all", "micro"):
        print(f"\n## Pure code\n\n{micro()}", flush=True)
    if asked.what == "store":
        print(f"\n## The store\n\n{store_table(asked.store)}", flush=True)
    if asked.what in ("all", "load"):
        options = Options(rounds=asked.rounds, paced_rounds=max(1, asked.rounds - 1), litellm=asked.litellm)
        try:
            results = uvloop.run(measure(options))
        except (CannotStart, LoadError, TimeoutError) as error:
            print(f"bench: {error or 'no answer in time'}", file=sys.stderr)
            return 1
        print(f"\n## Under load\n\n{report(results)}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the gateway and its peers.")
    parser.add_argument("what", nargs="?", choices=("all", "micro", "load", "store"), default="all")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--store", action="append", default=[], metavar="URL", help="an empty database; repeatable")
    parser.add_argument("--litellm", type=Path, metavar="PYTHON", help="python of an environment with litellm[proxy]")
    return parser.parse_args()


def _heading() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"{day}, {platform.python_implementation()} {platform.python_version()}, {libraries}"


if __name__ == "__main__":
    sys.exit(main())
