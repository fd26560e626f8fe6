import itertools

import msgspec
import pytest
from pooling import account

from grok2api.accounts.lifecycle import OUTCOMES, TRANSITIONS, Outcome, Persist, RefreshQuota, outcome_of, settle
from grok2api.accounts.model import WHOLE, Account, Rest, Source, State, Window
from grok2api.accounts.quota import infer_tier, learn
from grok2api.accounts.resting import Attempt, Policy, awake
from grok2api.canonical.problem import Kind, Problem
from grok2api.catalog import Tier
from grok2api.upstreams.base import Told

NOW = 1_000_000.0
POLICY = Policy()
HOUR = 3600.0


def after(
    start: Account, outcome: Outcome, now: float = NOW, *, mode: str = "fast", hint: float | None = None
) -> Account:
    return settle(start, outcome, Attempt(mode, now, hint, "said"), POLICY)[0]


def test_every_kind_of_problem_has_an_outcome_on_purpose() -> None:
    assert set(OUTCOMES) == set(Kind)


@pytest.mark.parametrize(("state", "outcome"), list(itertools.product(State, Outcome)))
def test_every_state_answers_every_outcome(state: State, outcome: Outcome) -> None:
    assert (state, outcome) in TRANSITIONS
    start = msgspec.structs.replace(account(), state=state)
    end, effects = settle(start, outcome, Attempt("fast", NOW), POLICY)
    assert end.state in State
    assert 0.05 <= end.health <= 1.0
    assert (end is start) == (effects == ())
    if state in (State.EXPIRED, State.DISABLED):
        assert end.state in (state, State.DISABLED)


@pytest.mark.parametrize(
    "kind",
    [
        Kind.INVALID, Kind.REFUSED, Kind.TOO_LARGE, Kind.UPSTREAM_INVALID, Kind.CHALLENGE, Kind.DRAINING, Kind.INTERNAL,
        Kind.UNAUTHENTICATED, Kind.NO_ACCOUNT, Kind.UNREACHABLE,
    ],
)  # fmt: skip
def test_P3_other_peoples_faults_leave_the_account_untouched(kind: Kind) -> None:
    start = account()
    outcome = outcome_of(False, Problem(kind=kind, message=""))
    assert settle(start, outcome, Attempt("fast", NOW), POLICY) == (start, ())


def test_S13_a_client_that_leaves_is_nobodys_fault() -> None:
    start = account()
    assert settle(start, outcome_of(False, None), Attempt("fast", NOW), POLICY) == (start, ())


@pytest.mark.parametrize("kind", [Kind.UPSTREAM_DOWN, Kind.TIMEOUT, Kind.CUT, Kind.EMPTY, Kind.UPSTREAM])
def test_trouble_upstream_costs_a_little_health_and_nothing_else(kind: Kind) -> None:
    end = after(account(), OUTCOMES[kind])
    assert (end.state, end.rests, end.strikes, end.health) == (State.ACTIVE, {}, (), 0.75)
    assert end.windows == account().windows


def test_P1_a_rate_limit_rests_its_mode_as_long_as_the_upstream_asks() -> None:
    end = after(account(), Outcome.RATE_LIMITED, hint=42)
    assert set(end.rests) == {"fast"}
    assert end.rests["fast"].until == NOW + 42
    assert end.rests["fast"].probe_at is None
    assert end.windows["fast"].remaining == 30


def test_a_limit_without_a_hint_rests_until_the_window_resets() -> None:
    window = Window(12, 30, 86400, NOW + 5 * HOUR, Source.REAL)
    end = after(msgspec.structs.replace(account(), windows={"fast": window}), Outcome.RATE_LIMITED)
    assert end.rests["fast"].until == NOW + 5 * HOUR
    assert end.rests["fast"].probe_at == NOW + 900
    assert end.windows["fast"] == Window(0, 30, 86400, NOW + 5 * HOUR, Source.ESTIMATED)


def test_a_limit_with_neither_hint_nor_window_rests_fifteen_minutes() -> None:
    assert after(account(), Outcome.RATE_LIMITED).rests["fast"].until == NOW + 900


def test_limits_in_a_row_without_a_hint_rest_twice_as_long_each_time_until_a_success() -> None:
    limited, now, lengths = account(), NOW, []
    for _ in range(4):
        limited = after(awake(limited, now), Outcome.RATE_LIMITED, now)
        lengths.append(limited.rests["fast"].until - now)
        now = limited.rests["fast"].until + 1
    assert lengths == [900, 1800, 3600, 7200]
    calm = after(awake(limited, now), Outcome.OK, now)
    assert after(calm, Outcome.ACCOUNT_LIMITED, now).rests[WHOLE].until == now + 900


def test_limits_that_come_long_after_one_another_are_not_in_a_row() -> None:
    limited = after(account(), Outcome.RATE_LIMITED)
    assert awake(limited, NOW + 1799).rests["fast"].count == 1
    assert awake(limited, NOW + 1800).rests == {}


def test_attempts_side_by_side_meet_one_limit_not_many() -> None:
    limited = account()
    for second in range(8):
        limited, _ = settle(limited, Outcome.ACCOUNT_LIMITED, Attempt("fast", NOW + second, leased_at=NOW - 1), POLICY)
    assert (limited.rests[WHOLE].count, limited.rests[WHOLE].until) == (1, NOW + 7 + 900)


def test_a_hint_is_believed_and_counts_for_no_row() -> None:
    limited = after(after(account(), Outcome.ACCOUNT_LIMITED), Outcome.ACCOUNT_LIMITED, NOW + 900, hint=30)
    assert (limited.rests[WHOLE].count, limited.rests[WHOLE].until) == (0, NOW + 930)


@pytest.mark.parametrize(
    ("tier", "seconds"), [(Tier.BASIC, 86_400), (Tier.SUPER, 7200), (Tier.HEAVY, 7200), (Tier.API, 900)]
)
def test_under_random_a_limit_without_a_hint_rests_for_the_interval_of_its_pool(tier: Tier, seconds: float) -> None:
    policy = Policy(counts_quota=False, tier_rest_sec={Tier.BASIC: 86_400, Tier.SUPER: 7200, Tier.HEAVY: 7200})
    start = account(tier=tier)
    end, _ = settle(start, Outcome.RATE_LIMITED, Attempt("fast", NOW), policy)
    assert end.rests["fast"].until == NOW + seconds
    assert (end.rests["fast"].probe_at is not None) == (seconds > 900)
    assert end.windows == start.windows


@pytest.mark.parametrize("outcome", [Outcome.MODE_REFUSED, Outcome.OUT_OF_CREDITS, Outcome.ACCOUNT_LIMITED])
def test_nothing_rests_longer_than_the_bound(outcome: Outcome) -> None:
    short = Policy(max_rest_sec=3600)
    end, _ = settle(account(), outcome, Attempt("fast", NOW, 1e9), short)
    assert [rest.until for rest in end.rests.values()] == [NOW + 3600]
    told = learn(account(), "fast", Told(0, 30, 86_400), NOW, short)
    assert told.rests["fast"].until == NOW + 3600


def test_no_hint_rests_longer_than_the_maximum_or_shorter_than_a_second() -> None:
    assert after(account(), Outcome.RATE_LIMITED, hint=1e9).rests["fast"].until == NOW + POLICY.max_rest_sec
    assert after(account(), Outcome.RATE_LIMITED, hint=-5).rests["fast"].until == NOW + 1


def test_a_limit_of_the_account_rests_all_of_it() -> None:
    assert set(after(account(), Outcome.ACCOUNT_LIMITED, hint=60).rests) == {WHOLE}


def test_P2_a_success_ends_rests_strikes_and_doubts() -> None:
    rests = {"fast": Rest(NOW + 99, NOW - 9), WHOLE: Rest(NOW + 99, NOW - 9), "console": Rest(NOW + 99, NOW - 9)}
    start = msgspec.structs.replace(account(), state=State.SUSPECT, rests=rests, strikes=(1.0, 99.0), health=0.5)
    end, effects = settle(start, Outcome.OK, Attempt("fast", NOW), POLICY)
    assert (end.state, set(end.rests), end.strikes, end.health) == (State.ACTIVE, {"console"}, (), 0.62)
    assert effects == (Persist("acc_1", uses=1), RefreshQuota("acc_1", "fast"))


def test_a_success_that_began_before_a_rest_does_not_end_it() -> None:
    start = msgspec.structs.replace(account(), rests={"fast": Rest(NOW + 99, NOW - 1)})
    early, _ = settle(start, Outcome.OK, Attempt("fast", NOW, leased_at=NOW - 5), POLICY)
    late, _ = settle(start, Outcome.OK, Attempt("fast", NOW, leased_at=NOW), POLICY)
    assert (set(early.rests), set(late.rests)) == ({"fast"}, set())


def test_an_older_limit_does_not_shorten_a_rest() -> None:
    start = msgspec.structs.replace(account(), rests={"fast": Rest(NOW + 500, NOW - 1)})
    end, _ = settle(start, Outcome.RATE_LIMITED, Attempt("fast", NOW, 2, leased_at=NOW - 5), POLICY)
    assert end.rests["fast"].until == NOW + 500


def test_successes_use_a_window_up_and_then_the_mode_rests_until_it_resets() -> None:
    now_account = account()
    for second in range(30):
        assert now_account.rests == {}
        now_account = after(now_account, Outcome.OK, NOW + second)
    assert now_account.windows["fast"] == Window(0, 30, 86400, NOW + 86400)
    assert now_account.rests["fast"].until == NOW + 86400
    assert now_account.use_count == 30


def test_a_window_never_goes_below_zero() -> None:
    empty = msgspec.structs.replace(account(), windows={"fast": Window(0, 30, 86400, NOW + 60)})
    assert after(empty, Outcome.OK).windows["fast"].remaining == 0


def test_a_probe_that_succeeds_shows_that_the_window_is_not_empty() -> None:
    start = msgspec.structs.replace(
        account(),
        windows={"fast": Window(0, 30, 86400, NOW + HOUR)},
        rests={"fast": Rest(NOW + HOUR, NOW - HOUR, NOW)},
    )
    end, _ = settle(start, Outcome.OK, Attempt("fast", NOW, leased_at=NOW - 1), POLICY)
    assert end.rests == {}
    assert end.windows["fast"] == Window(29, 30, 86400, NOW + 86400, Source.ESTIMATED)


def test_P3_one_bare_401_makes_suspect_and_a_second_expires() -> None:
    suspect, effects = settle(account(), Outcome.UNAUTHORIZED, Attempt("fast", NOW), POLICY)
    assert suspect.state is State.SUSPECT
    assert RefreshQuota("acc_1", "fast") in effects
    assert after(suspect, Outcome.UNAUTHORIZED).state is State.EXPIRED
    assert after(after(suspect, Outcome.OK), Outcome.UNAUTHORIZED).state is State.SUSPECT


def test_P3_two_bare_401s_side_by_side_are_one_doubt() -> None:
    suspect = after(account(), Outcome.UNAUTHORIZED)
    beside, effects = settle(suspect, Outcome.UNAUTHORIZED, Attempt("fast", NOW + 1, leased_at=NOW - 5), POLICY)
    assert (beside, effects) == (suspect, ())
    later, _ = settle(suspect, Outcome.UNAUTHORIZED, Attempt("fast", NOW + 1, leased_at=NOW + 0.5), POLICY)
    assert later.state is State.EXPIRED


def test_P3_a_block_is_told_with_what_is_blocked() -> None:
    attempt = Attempt("fast", NOW, code="email_domain_rejected")
    end, _ = settle(account(), Outcome.BLOCKED, attempt, POLICY)
    assert end.state_reason == "the upstream blocked this account (email_domain_rejected)"


def test_P3_a_demand_of_the_configuration_is_nobodys_fault() -> None:
    assert outcome_of(False, Problem(kind=Kind.UPSTREAM, message="", code="dpop_required")) is Outcome.BLAMELESS


def test_P3_a_marker_expires_at_once_and_a_block_disables_with_the_reason() -> None:
    assert after(account(), Outcome.CREDENTIAL).state is State.EXPIRED
    blocked = after(account(), Outcome.BLOCKED)
    assert blocked.state is State.DISABLED
    assert "blocked" in blocked.state_reason


def test_P3_unknown_refusals_are_strikes_and_three_distinct_ones_disable() -> None:
    burst = account()
    for second in range(20):
        burst = after(burst, Outcome.FORBIDDEN, NOW + second)
    assert (burst.state, len(burst.strikes)) == (State.ACTIVE, 1)
    second = after(burst, Outcome.FORBIDDEN, NOW + 60)
    assert second.state is State.ACTIVE
    assert after(second, Outcome.FORBIDDEN, NOW + 121).state is State.DISABLED
    cleared = after(after(second, Outcome.OK, NOW + 100), Outcome.FORBIDDEN, NOW + 200)
    assert (cleared.state, len(cleared.strikes)) == (State.ACTIVE, 1)


def test_a_refused_mode_rests_for_a_day_with_nothing_left_and_other_modes_serve() -> None:
    end = after(account(tier=Tier.SUPER), Outcome.MODE_REFUSED, mode="grok43")
    assert end.state is State.ACTIVE
    assert set(end.rests) == {"grok43"}
    assert end.rests["grok43"].until == NOW + 86400
    assert (end.windows["grok43"].remaining, end.windows["grok43"].total) == (0, 0)


def test_running_out_of_credits_rests_the_mode_for_a_day() -> None:
    assert after(account(), Outcome.OUT_OF_CREDITS).rests["fast"].until == NOW + 86400


def test_an_unusable_answer_costs_quota_and_blames_nobody() -> None:
    end = after(account(), OUTCOMES[Kind.CALL_MISSING])
    assert (end.windows["fast"].remaining, end.health, end.fail_count) == (29, 1.0, 0)


def test_an_account_never_shows_its_secret() -> None:
    assert "secret-1" not in repr(account())
    assert "secret-1" not in repr(account().credential)


def test_P2_fresh_quota_ends_a_rest_and_a_doubt() -> None:
    start = msgspec.structs.replace(
        account(tier=Tier.SUPER), state=State.SUSPECT, rests={"auto": Rest(NOW + 156 * HOUR, NOW)}
    )
    end = learn(start, "auto", Told(41, 50, 7200), NOW, POLICY)
    assert (end.state, end.rests) == (State.ACTIVE, {})
    assert end.windows["auto"] == Window(41, 50, 7200, NOW + 7200, Source.REAL)


def test_P3_fresh_quota_clears_strikes() -> None:
    struck = msgspec.structs.replace(account(), strikes=(1.0, 99.0))
    assert learn(struck, "fast", Told(3, 30, 86_400), NOW, POLICY).strikes == ()


def test_quota_that_is_used_up_again_rests_anew_after_a_rest_that_is_over() -> None:
    over = msgspec.structs.replace(account(tier=Tier.SUPER), rests={"auto": Rest(NOW - 5, NOW - 90)})
    assert learn(over, "auto", Told(0, 50, 7200), NOW, POLICY).rests["auto"].until == NOW + 7200
    lasting = msgspec.structs.replace(over, rests={"auto": Rest(NOW + 5, NOW - 90)})
    assert learn(lasting, "auto", Told(0, 50, 7200), NOW, POLICY).rests == lasting.rests


def test_no_quota_left_rests_the_mode() -> None:
    end = learn(account(tier=Tier.SUPER), "auto", Told(0, 50, 7200), NOW, POLICY)
    assert end.rests["auto"].until == NOW + 7200


def test_the_fast_window_of_a_basic_account_is_thirty_a_day_whatever_is_told() -> None:
    assert learn(account(), "fast", Told(138, 140, 7200), NOW, POLICY).windows["fast"].total == 30


@pytest.mark.parametrize(
    ("totals", "tier"),
    [
        ({"heavy": 20, "auto": 150, "fast": 400}, Tier.HEAVY),
        ({"auto": 150}, Tier.HEAVY),
        ({"auto": 50, "fast": 140}, Tier.SUPER),
        ({"auto": 0, "fast": 30}, Tier.BASIC),
        ({"auto": 20}, Tier.BASIC),
        ({"auto": 50, "fast": 30}, Tier.BASIC),
        ({"heavy": 5}, Tier.HEAVY),
        ({}, Tier.BASIC),
        ({"auto": 77}, Tier.BASIC),
    ],
)
def test_the_tier_is_inferred_from_totals_and_the_lower_one_wins(totals: dict[str, int], tier: Tier) -> None:
    assert infer_tier(totals) is tier
