"""What told quotas, and questions that failed, make of an account."""

import msgspec
import pytest
from pooling import account, problem

from grok2api.accounts.importing import entry
from grok2api.accounts.lifecycle import Exhausted, Outcome, RefreshQuota, questioned, settle
from grok2api.accounts.model import Account, Rest, Source, State, Window, moved, new_account
from grok2api.accounts.model import Kind as CredentialKind
from grok2api.accounts.quota import alive, infer_tier, is_spent, learn, told_tier, untold
from grok2api.accounts.resting import Attempt, Policy
from grok2api.canonical.problem import Kind
from grok2api.catalog import Tier
from grok2api.upstreams.base import Told

NOW = 1_000_000.0
HOUR = 3600.0
POLICY = Policy()
RANDOM = Policy(counts_quota=False, tier_rest_sec={Tier.BASIC: 86400.0, Tier.SUPER: 7200.0})


def with_(start: Account, **members: object) -> Account:
    return msgspec.structs.replace(start, **members)


def resting(since: float, until: float) -> Account:
    return with_(account(tier=Tier.SUPER), rests={"auto": Rest(until, since)})


def test_P2_fresh_quota_ends_a_rest_that_is_older_than_the_question() -> None:
    start = resting(NOW - 100, NOW + 156 * HOUR)
    assert learn(start, "auto", Told(5, 50, 7200), NOW, POLICY, asked_at=NOW - 99).rests == {}


def test_a_rest_that_began_after_the_question_stands() -> None:
    start = resting(NOW - 1, NOW + HOUR)
    assert set(learn(start, "auto", Told(5, 50, 7200), NOW, POLICY, asked_at=NOW - 2).rests) == {"auto"}


def test_a_rest_of_a_moment_is_pacing_and_no_matter_of_quota() -> None:
    start = resting(NOW - 1, NOW + 59)
    assert set(learn(start, "auto", Told(5, 50, 7200), NOW, POLICY, asked_at=NOW).rests) == {"auto"}


def test_a_rest_that_is_known_is_not_shortened_when_nothing_is_left() -> None:
    start = resting(NOW - 100, NOW + 156 * HOUR)
    assert learn(start, "auto", Told(0, 50, 7200), NOW, POLICY).rests["auto"].until == NOW + 156 * HOUR


@pytest.mark.parametrize(
    ("known", "told", "ends"),
    [
        (None, Told(5, 50, 7200), NOW + 7200),
        (NOW + 60, Told(5, 50, 7200), NOW + 60),
        (NOW - 60, Told(5, 50, 7200), NOW + 7200),
        (None, Told(5, 20, 3600, NOW - 600), NOW + 3000),
        (None, Told(5, 20, 3600, NOW - 7000), NOW + 3600),
        (NOW + 60, Told(50, 50, 7200), None),
    ],
)
def test_a_window_ends_at_the_earliest_time_that_can_be_known(known: float | None, told: Told, ends: float) -> None:
    windows = {"auto": Window(9, 50, 7200, known)}
    start = with_(account(tier=Tier.SUPER), windows=windows)
    assert learn(start, "auto", told, NOW, POLICY).windows["auto"].resets_at == ends


def test_a_mode_of_which_there_is_none_is_zero_of_zero_and_rests() -> None:
    end = learn(account(tier=Tier.SUPER), "auto", Told(0, 0, 7200), NOW, POLICY)
    assert end.windows["auto"] == Window(0, 0, 7200, None, Source.REAL)
    assert end.rests["auto"].until == NOW + 7200


def test_the_random_strategy_rests_nothing_because_of_a_count() -> None:
    assert learn(account(tier=Tier.SUPER), "auto", Told(0, 50, 7200), NOW, RANDOM).rests == {}


@pytest.mark.parametrize(("tier", "rest"), [(Tier.BASIC, 86400), (Tier.SUPER, 7200), (Tier.API, 900)])
def test_under_random_a_limit_without_a_hint_rests_as_long_as_the_tier_says(tier: Tier, rest: float) -> None:
    end, _ = settle(account(tier=tier), Outcome.RATE_LIMITED, Attempt("fast", NOW), RANDOM)
    assert end.rests["fast"].until == NOW + rest
    hinted, _ = settle(account(tier=tier), Outcome.RATE_LIMITED, Attempt("fast", NOW, 42), RANDOM)
    assert hinted.rests["fast"].until == NOW + 42


@pytest.mark.parametrize("state", [State.SUSPECT, State.EXPIRED])
def test_an_answer_ends_a_doubt_that_is_older_than_the_question(state: State) -> None:
    start = with_(account(), state=state, state_reason="doubt", last_error_at=NOW)
    assert alive(start, NOW - 1) is start
    assert (alive(start, NOW).state, alive(start, NOW).state_reason) == (State.ACTIVE, "")


def test_no_answer_brings_a_disabled_account_back() -> None:
    start = with_(account(), state=State.DISABLED, state_reason="by the operator")
    assert learn(start, "fast", Told(5, 30, 7200), NOW, POLICY, NOW).state is State.DISABLED


SERVING = with_(account(), last_used_at=NOW - 60)
IDLE = account()
SUSPECT = with_(account(), state=State.SUSPECT)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.CREDENTIAL, Kind.BLOCKED)])
def test_P4_a_question_that_fails_never_takes_out_an_account_that_serves(kind: Kind) -> None:
    assert questioned(SERVING, problem(kind), NOW) is SERVING


@pytest.mark.parametrize(
    "kind", [kind for kind in Kind if kind not in (Kind.CREDENTIAL, Kind.BLOCKED, Kind.UNAUTHORIZED)]
)
@pytest.mark.parametrize("start", [IDLE, SUSPECT], ids=["idle", "suspect"])
def test_P4_a_question_that_fails_says_nothing_of_an_idle_account_either(start: Account, kind: Kind) -> None:
    assert questioned(start, problem(kind), NOW) is start


@pytest.mark.parametrize("start", [SERVING, IDLE, SUSPECT], ids=["serving", "idle", "suspect"])
@pytest.mark.parametrize(("kind", "state"), [(Kind.CREDENTIAL, State.EXPIRED), (Kind.BLOCKED, State.DISABLED)])
def test_a_marker_counts_whatever_was_asked(start: Account, kind: Kind, state: State) -> None:
    end = questioned(start, problem(kind), NOW)
    assert end.state is state
    assert end.state_reason
    assert end.last_error.startswith(f"{kind}: ")


def test_a_bare_401_to_a_question_makes_only_an_account_suspect_that_has_not_answered_lately() -> None:
    assert questioned(IDLE, problem(Kind.UNAUTHORIZED), NOW).state is State.SUSPECT
    assert questioned(SERVING, problem(Kind.UNAUTHORIZED), NOW + HOUR).state is State.SUSPECT
    failed_since = with_(SERVING, last_error_at=NOW - 30, last_used_at=NOW - 30)
    assert questioned(failed_since, problem(Kind.UNAUTHORIZED), NOW).state is State.SUSPECT


def test_P4_bare_401s_to_questions_never_expire() -> None:
    end = IDLE
    for second in range(10):
        end = questioned(end, problem(Kind.UNAUTHORIZED), NOW + second)
    assert end.state is State.SUSPECT


@pytest.mark.parametrize(("tier", "mode"), [(Tier.BASIC, "fast"), (Tier.BASIC, "console"), (Tier.API, "api")])
def test_P3_whoever_is_suspect_is_asked_about_at_once(tier: Tier, mode: str) -> None:
    _, effects = settle(account(tier=tier), Outcome.UNAUTHORIZED, Attempt(mode, NOW), POLICY)
    assert RefreshQuota("acc_1", mode) in effects


def test_only_modes_that_grok_counts_are_asked_about_after_use() -> None:
    for mode, asked in (("fast", True), ("console", False)):
        _, effects = settle(account(), Outcome.OK, Attempt(mode, NOW), POLICY)
        assert (RefreshQuota("acc_1", mode) in effects) == asked
    _, effects = settle(account(tier=Tier.API), Outcome.OK, Attempt("api", NOW), POLICY)
    assert not any(isinstance(effect, RefreshQuota | Exhausted) for effect in effects)


@pytest.mark.parametrize(
    ("totals", "tier"),
    [({}, None), ({"auto": 77, "heavy": 0}, None), ({"auto": 0, "fast": 140}, Tier.BASIC), ({"fast": 140}, Tier.SUPER)],
)
def test_totals_that_say_nothing_tell_no_tier(totals: dict[str, int], tier: Tier | None) -> None:
    assert told_tier(totals) is tier
    assert infer_tier(totals) is (tier or Tier.BASIC)


def test_an_account_whose_tier_nobody_named_has_no_window_of_grok_until_it_is_told() -> None:
    fresh = entry("here", "secret", "auto").account("acc_1", NOW)
    assert (fresh.tier, fresh.tier_known, set(fresh.windows)) == (Tier.BASIC, False, {"console"})
    named = entry("here", "secret", "basic").account("acc_1", NOW)
    assert (named.tier_known, set(named.windows)) == (True, {"fast", "console"})
    assert new_account("acc_1", "xai-1", CredentialKind.API, Tier.API, NOW).tier_known


def test_serving_does_not_make_an_unknown_tier_known() -> None:
    end = entry("here", "secret").account("acc_1", NOW)
    for outcome in (Outcome.OK, Outcome.RATE_LIMITED, Outcome.MODE_REFUSED, Outcome.SPENT):
        end, _ = settle(end, outcome, Attempt("fast", NOW), POLICY)
    assert not end.tier_known


@pytest.mark.parametrize("tier", [Tier.BASIC, Tier.SUPER, Tier.HEAVY])
def test_a_move_makes_the_tier_known_and_keeps_what_was_told(tier: Tier) -> None:
    told = {"console": Window(3, 20, 3600, None, Source.REAL)}
    end = moved(with_(entry("here", "secret").account("acc_1", NOW), windows=told), tier)
    assert (end.tier, end.tier_known) == (tier, True)
    assert end.windows["console"].remaining == 3
    assert untold(end)
    assert untold(end, wholly=True)
    one_told = learn(end, "fast", Told(5, 30, 7200), NOW, POLICY)
    assert untold(one_told) == (tier is not Tier.BASIC)
    assert not untold(one_told, wholly=True)


def test_fresh_quota_could_help_what_is_spent_or_rests_for_long() -> None:
    start = account()
    assert not is_spent(start, "fast", NOW)
    assert is_spent(with_(start, rests={"fast": Rest(NOW + HOUR, NOW)}), "fast", NOW)
    assert not is_spent(with_(start, rests={"fast": Rest(NOW + 30, NOW)}), "fast", NOW)
    assert is_spent(with_(start, windows={"fast": Window(0, 30, 60, NOW + 5)}), "fast", NOW)
    assert not is_spent(with_(start, windows={"fast": Window(0, 30, 60, NOW - 5)}), "fast", NOW)
    assert not is_spent(start, "auto", NOW)
    none_at_all = with_(start, windows={"fast": Window(0, 0, 60)}, rests={"fast": Rest(NOW + HOUR, NOW)})
    assert not is_spent(none_at_all, "fast", NOW)
