"""Events in, exact bytes out: the kept exchanges of both chat dialects."""

import pytest
from goldens import DIALECTS, EXCHANGES, FOLDER, streamed, whole

from grok2api.canonical.sequence import check


@pytest.mark.parametrize("name", EXCHANGES)
def test_the_kept_exchanges_satisfy_the_grammar(name):
    assert list(check(EXCHANGES[name])) == EXCHANGES[name]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", EXCHANGES)
def test_the_bytes_of_an_exchange_are_the_kept_ones(dialect, name):
    assert streamed(dialect, EXCHANGES[name]) == (FOLDER / dialect / f"{name}.sse").read_bytes()
    assert whole(dialect, EXCHANGES[name]) + b"\n" == (FOLDER / dialect / f"{name}.json").read_bytes()
