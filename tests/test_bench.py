"""The speed harness's own pure parts: its statistics, and that what it sends and counts is what it says."""

import pytest
from bench import answers, asking, micro, pool
from bench.scenarios import Results
from bench.stats import best, difference, percentile, ratio, shown, table
from bench.targets import TARGETS, held, report

from grok2api.accounts.model import State
from grok2api.canonical.events import Ended, Said


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0], 0.5, 3.0), ([4, 1, 3, 2], 0.5, 2), (range(1, 101), 0.99, 99), ([1, 2], 1.0, 2), ([1, 2], 0.0, 1)],
)
def test_a_percentile_is_a_value_that_was_measured(values, share, expected):
    assert percentile(values, share) == expected


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_ratios_are_taken_round_by_round():
    assert ratio([10, 40, 20], [20, 40, 80]) == 0.5
    assert difference([5, 9, 3], [4, 4, 2]) == 1
    with pytest.raises(ValueError, match="shorter"):
        ratio([1, 2], [1])


def test_the_best_of_several_timings_counts_for_one_call():
    times = iter([0.0, 1.0, 1.0, 3.0, 10.0, 10.5])
    calls = []
    assert best(lambda: calls.append(1), lambda: next(times), runs=2, least=2.0) == 0.25
    assert len(calls) == 5


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0123, "0.012"), (0.5, "0.50"), (12.34, "12.3"), (18_700, "18,700")]
)
def test_figures_have_about_three_digits(value, text):
    assert shown(value) == text


def test_a_table_keeps_its_columns_in_line():
    assert table(["a", "bb"], [["ccc", ""]]) == "| a   | bb |\n|-----|----|\n| ccc |    |"


@pytest.mark.parametrize("wire", answers.WIRES)
def test_every_token_of_the_fake_upstream_holds_one_mark(wire):
    spoken = answers.spoken(wire, 50)
    assert len(spoken.tokens) == 50
    assert [token.count(answers.MARK) for token in spoken.tokens] == [1] * 50
    assert answers.MARK not in spoken.opening


@pytest.mark.parametrize("wire", micro.WIRES)
@pytest.mark.parametrize("per_read", micro.PER_READ)
def test_the_parsers_read_the_answer_that_was_meant(wire, per_read):
    parse = micro.parser(wire)
    facts = [fact for read in micro.reads(wire, per_read, 50) for fact in parse.feed(read)]
    assert "".join(fact.text for fact in facts if isinstance(fact, Said)) == answers.words(50)
    assert isinstance(facts[-1], Ended)


@pytest.mark.parametrize("wire", micro.WIRES)
@pytest.mark.parametrize("dialect", asking.DIALECTS)
def test_the_measured_chain_loses_no_token(wire, dialect):
    run = micro.chain(dialect, wire, lambda: micro.stages_of(wire))
    assert run(micro.reads(wire, 4, 50)).count(answers.MARK) >= 50


def test_a_stream_is_found_again_by_its_number():
    assert asking.stream_of(asking.body("chat", "any", stream=True, number=417)) == 417
    assert asking.stream_of(b"{}") == 0


def test_a_longer_history_makes_a_longer_body():
    size = len(asking.body("responses", "any", stream=False, history=100_000))
    assert 90_000 < size < 120_000


def test_the_report_leaves_out_peers_that_were_not_there():
    results = Results()
    results.add("A32: requests/s", "gateway", 50.0)
    results.add("A32: requests/s", "nginx", 100.0)
    results.notes.append("something was odd")
    text = report(results)
    assert "0.50 ×" in text
    assert "litellm" not in text
    assert "Note: something was odd." in text


def test_every_target_asks_for_more_than_its_must():
    assert all((target.aim >= target.must) is target.more_is_better or target.aim == target.must for target in TARGETS)


def test_streams_are_held_while_their_tokens_come_in_time():
    results = Results()
    for streams, ours in ((100, 8.0), (300, 40.0), (500, 90.0)):
        results.add(f"C {streams} streams: p99 of a token (ms)", "direct", 2.0)
        results.add(f"C {streams} streams: p99 of a token (ms)", "gateway", ours)
    assert held(results, "gateway") == 300
    assert held(results, "litellm") == 0


def test_the_measured_pool_has_accounts_in_every_state_and_serves_on():
    accounts = list(pool.mixed(2_000))
    assert {account.state for account in accounts} == set(State)
    assert 100 < sum(bool(account.rests) for account in accounts) < 1_000
    assert 100 < sum(account.tags == (pool.TAG,) for account in accounts) < 300
    measured = pool.measure(2_000, "quota", tagged=True, leases=500)
    assert 0 < measured.p50 <= measured.p99 <= measured.longest
    assert measured.refused < 50
