"""Keys of one test."""

from collections.abc import AsyncIterator

import pytest
from redis_here import keys_of_ours


@pytest.fixture
async def prefix() -> AsyncIterator[str]:
    async with keys_of_ours() as made:
        yield made
