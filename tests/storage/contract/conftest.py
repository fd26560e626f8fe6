"""Every test of this directory runs on all three engines (D3)."""

from pathlib import Path

import pytest

from databases import ENGINES, database
from grok2api.storage.opening import store_for


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def url(engine: str, tmp_path: Path):
    with database(engine, tmp_path) as made:
        yield made


@pytest.fixture
async def store(url: str, tmp_path: Path):
    opened = await store_for(url, tmp_path, {})
    yield opened
    await opened.close()
