"""`python -m clients`: run the clients, print what came of it, write `clients/results.json`."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from clients.corpus import keep
from clients.gateway import CannotStart, Running, running
from clients.place import ROOT, CannotInstall, install, lock
from clients.recorder import recording
from clients.reference import RESULTS
from clients.report import Case, Result, Run, merged, read, table, written
from clients.rows import BACKENDS, Client
from clients.run import run
from clients.table import BY_NAME, CLIENTS

CORPUS = ROOT / "tests" / "corpus"


def main() -> int:
    """1 when a client failed, 2 when there is no such client."""
    asked = _arguments()
    names = [name for given in asked.only for name in given.split(",")]
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        print(f"clients: there is no {', '.join(unknown)}; there are {', '.join(BY_NAME)}", file=sys.stderr)
        return 2
    if asked.list:
        print("\n".join(f"{client.name:24} {client.title} {client.version}" for client in CLIENTS))
        return 0
    results = [_tried(client, asked) for client in CLIENTS if not names or client.name in names]
    if not (asked.case or asked.over):  # half a run is no result to keep
        known = read(RESULTS.read_text("utf-8")) if RESULTS.exists() else ()
        RESULTS.write_text(written(merged(known, results, list(BY_NAME))), "utf-8")
    print(f"\n{table(results)}")
    return int(any(result.failed for result in results))


def _tried(client: Client, asked: argparse.Namespace) -> Result:
    print(f"{client.title} {client.version} …", file=sys.stderr, flush=True)
    runs = tuple(_runs(client, asked))
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return Result(client.name, client.title, client.kind, client.version, client.did, day, runs)


def _runs(client: Client, asked: argparse.Namespace) -> Iterator[Run]:
    """Whatever goes wrong is said in the table; the other clients are run all the same."""
    backends = [one for one in BACKENDS if one.name in client.on and asked.over in ("", one.name)]
    try:
        place = install(client, fresh=asked.fresh)
        if asked.lock:
            lock(client)
        for backend in backends:
            with running(backend.model) as gateway, _recorded(client, gateway, asked.record) as reached:
                done = run(client, place, reached, backend, asked.case)
                if asked.logs and done.failed:
                    print((gateway.folder / "gateway.log").read_text("utf-8", "replace")[-6000:], file=sys.stderr)
            print(f"  over {backend.name}: {done.summary}, {done.seconds} s", file=sys.stderr, flush=True)
            yield done
    except (CannotInstall, CannotStart) as error:
        yield Run(client.on[0], "", (Case("installed and started", "failed", str(error)),), 0.0)


@contextmanager
def _recorded(client: Client, gateway: Running, wanted: bool) -> Iterator[Running]:
    """The gateway as the client reaches it; with `--record` over a recorder, whose yield goes to the corpus."""
    if not wanted:
        yield gateway
        return
    folder = gateway.folder / "recorded"
    with recording(gateway.url, folder) as url:
        yield replace(gateway, url=url)
    kept = keep(client.name, f"{client.title} {client.version}", folder, CORPUS)
    print(f"  kept {kept} requests in {CORPUS.name}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m clients", description="Run real clients against the gateway.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="these clients (comma list)")
    parser.add_argument("--over", default="", choices=[one.name for one in BACKENDS], help="only over this upstream")
    parser.add_argument("--case", default="", help="only cases whose name has this in it")
    parser.add_argument("--fresh", action="store_true", help="install anew")
    parser.add_argument("--lock", action="store_true", help="write what is installed to clients/locks")
    parser.add_argument("--list", action="store_true", help="name the clients and end")
    parser.add_argument("--logs", action="store_true", help="show the gateway's log after a failure")
    parser.add_argument("--record", action="store_true", help="keep what the clients send in tests/corpus")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
