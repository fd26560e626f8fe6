"""Every endpoint with every kind of call that its own document allows, and many that it does not, over the network.

Nothing that comes in makes a 500, and every answer is one that the document describes: an upstream that refuses an
account is a 502 where the document says so. The seed is fixed, so that a run can be repeated.
"""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, seed, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from grok2api.admin.openapi import document
from grok2api.admin.table import ROUTES
from rig import BASIC, HEAVY, SUPER, rigged

KEY = "the-admin-key-of-the-fuzzer"
ACCOUNTS = (("sim-basic-1", BASIC), ("sim-super-1", SUPER), ("sim-heavy-1", HEAVY))


def never_our_fault(_context: Any, response: Any, _case: Any) -> None:
    """A check of schemathesis: a bug of ours is a 500, whatever the document says."""
    assert response.status_code != 500


CHECKS = [
    never_our_fault,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schema = schemathesis.openapi.from_dict(document(ROUTES, "fuzzed"))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A whole gateway in a thread of its own."""
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    started: Future[str] = Future()
    ended: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        async with rigged(folder, accounts=ACCOUNTS, settings={"app.app_key": KEY}) as rig:
            over = asyncio.Event()
            ended.set_result((asyncio.get_running_loop(), over))
            started.set_result(rig.url)
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    yield started.result(20)
    loop, over = ended.result()
    loop.call_soon_threadsafe(over.set)
    thread.join(20)


@schema.parametrize()
@seed(1)
@settings(
    max_examples=8,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_Z6_no_call_breaks_the_admin_api(case: Any, url: str) -> None:
    answer = case.call(base_url=url, headers={"authorization": f"Bearer {KEY}"}, timeout=20)
    case.validate_response(answer, checks=CHECKS)
