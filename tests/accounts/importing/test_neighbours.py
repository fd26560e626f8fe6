"""What is carried over from chenyme/grok2api, and what is not; one golden file for each of its forms."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.accounts.importing import Reading, parse, read
from grok2api.accounts.importing.neighbours import entry_of
from grok2api.accounts.model import DAY, DEFAULT_WINDOWS, WHOLE, Rest, Source, State, Window
from grok2api.accounts.selection import Reason, standing
from grok2api.catalog import Tier

GOLDEN = Path(__file__).parents[2] / "golden" / "chenyme"
NOW = 1_767_225_600.0


def of(text: str) -> dict[str, object]:
    """Entries by token; those that are refused by their errors."""
    return {entry.secret or entry.error: entry for entry in parse(text, now=NOW)}


def test_an_account_of_version_2_keeps_what_says_something_about_it():
    entries = of((GOLDEN / "v2_accounts.json").read_text())
    entry = entries["v2-active-super-0001"]
    account = entry.account("acc_1", NOW)
    assert (account.tier, account.tags, account.state, account.state_reason) == (
        Tier.SUPER,
        ("nsfw", "team a"),
        State.ACTIVE,
        "",
    )
    assert (account.use_count, account.fail_count, account.last_used_at) == (1234, 5, 1_767_225_500.0)
    assert (account.last_error, account.last_error_at, account.created_at) == (
        "rate_limited",
        1_767_200_000.0,
        1_764_000_000.0,
    )
    assert account.windows == {
        **DEFAULT_WINDOWS[Tier.SUPER],
        "auto": Window(41, 50, 7200, 1_767_229_200.0, Source.ESTIMATED),
        "fast": Window(0, 140, 7200, 1_767_226_600.0, Source.ESTIMATED),
    }
    assert (account.strikes, account.health, account.revision) == ((), 1.0, 0)


def test_an_empty_window_and_a_cooldown_rest_until_they_are_over():
    entries = of((GOLDEN / "v2_accounts.json").read_text())
    busy = entries["v2-active-super-0001"].account("acc_1", NOW)
    assert busy.rests == {"fast": Rest(1_767_226_600.0, NOW, NOW + 900, 0, "quota used up")}
    assert standing(busy, "fast", 0, (), NOW, 8).reason is Reason.RESTING
    assert standing(busy, "auto", 0, (), NOW, 8).reason is Reason.READY
    cooling = entries["v2-cooling-basic-0002"].account("acc_2", NOW)
    assert (cooling.state, cooling.state_reason) == (State.ACTIVE, "")
    assert cooling.rests == {WHOLE: Rest(1_767_227_000.0, NOW, NOW + 900, 0, "rate_limited")}


def test_a_basic_account_has_the_windows_of_its_tier_only():
    windows = of((GOLDEN / "v2_accounts.json").read_text())["v2-cooling-basic-0002"].account("acc_2", NOW).windows
    assert windows == {**DEFAULT_WINDOWS[Tier.BASIC], "fast": Window(30, 30, DAY, 1_767_240_000.0, Source.ESTIMATED)}


def test_states_keep_their_reasons_and_what_is_gone_or_no_session_says_so():
    entries = of((GOLDEN / "v2_accounts.json").read_text())
    expired, disabled = entries["v2-expired-heavy-0003"].past, entries["v2-disabled-0004"].past
    assert (expired.state, expired.state_reason) == (State.EXPIRED, "invalid_credentials")
    assert (disabled.state, disabled.state_reason) == (State.DISABLED, "operator_disabled")
    assert entries["was deleted where it comes from"].gone
    assert any("OAuth" in key for key in entries)
    assert len(entries) == 6


def test_the_older_versions_files_are_understood():
    newer = of((GOLDEN / "v1_token.json").read_text())
    assert {token: (entry.tier, entry.past.state) for token, entry in newer.items()} == {
        "v1-basic-0001": (Tier.BASIC, State.ACTIVE),
        "v1-expired-0002": (Tier.BASIC, State.EXPIRED),
        "v1-cooling-0003": (Tier.SUPER, State.ACTIVE),
        "v1-bare-0004": (Tier.SUPER, State.ACTIVE),
    }
    assert newer["v1-basic-0001"].tags == ("a", "mine")
    assert newer["v1-basic-0001"].past.use_count == 19
    oldest = of((GOLDEN / "v1_first_token.json").read_text())
    assert {token: (entry.tier, entry.tags, entry.past.state) for token, entry in oldest.items()} == {
        "v0-basic-0001": (Tier.BASIC, ("x", "first"), State.ACTIVE),
        "v0-super-0002": (Tier.SUPER, (), State.EXPIRED),
    }


def test_the_lines_of_the_go_version_are_understood():
    entries = of((GOLDEN / "accounts.jsonl").read_text())
    account = entries["go-super-0001"].account("acc_1", NOW)
    assert account.windows["auto"] == Window(3, 50, 7200, 1_767_229_000.0, Source.ESTIMATED)
    assert account.windows["console"] == Window(4, 20, 3600, 1_767_226_600.0, Source.ESTIMATED)
    assert account.rests[WHOLE].until == NOW + 7 * DAY
    assert entries["was deleted where it comes from"].gone


def test_old_windows_and_cooldowns_are_left_behind():
    later = NOW + 30 * DAY
    for entry in parse((GOLDEN / "v2_accounts.json").read_text(), now=later):
        if not entry.error:
            account = entry.account("acc_1", later)
            assert (account.windows, account.rests) == (DEFAULT_WINDOWS[account.tier], {})


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"remaining": 5, "total": 0, "window_seconds": 7200, "reset_at": 1767229200000, "source": 1},
        {"remaining": 5, "total": 50, "window_seconds": 0, "reset_at": 1767229200000, "source": 1},
        {"remaining": 5, "total": 50, "window_seconds": 7200, "reset_at": 1767299200000, "source": 1},
        {"remaining": "x", "total": [], "window_seconds": None, "reset_at": "soon", "source": 1},
        "not json",
        5,
    ],
)
def test_windows_that_make_no_sense_are_left_out(told):
    entry = entry_of("x", {"token": "t", "pool": "super", "quota_auto": told}, "", Reading(now=NOW))
    assert entry.account("acc_1", NOW).windows == DEFAULT_WINDOWS[Tier.SUPER]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
quota = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("remaining", "total", "window_seconds", "reset_at", "synced_at", "source"), values)
)
records = st.fixed_dictionaries(
    {"token": st.just("t") | values},
    optional={
        **dict.fromkeys(("pool", "pool_name", "tags", "note", "disabled", "state_reason", "created_at"), values),
        **dict.fromkeys(("usage_use_count", "use_count", "last_use_at", "last_fail_reason", "deleted_at"), values),
        "status": st.sampled_from(["active", "cooling", "expired", "disabled"]) | values,
        "quota_fast": quota | quota.map(lambda told: json.dumps(told, default=str)) | values,
        "quota": st.dictionaries(st.sampled_from(["auto", "fast", "console"]), quota) | values,
        "ext": st.fixed_dictionaries({}, optional={"cooldown_until": values, "disabled_reason": values}) | values,
    },
)


@given(records)
def test_arbitrary_records_are_entries_or_errors_that_fit_the_store(record):
    entry = entry_of("x", record, "", Reading(now=NOW))
    assert bool(entry.error) != bool(entry.secret)
    if entry.error:
        return
    account = entry.account("acc_1", NOW)
    assert 0 <= account.use_count < 2**31
    for window in account.windows.values():
        assert 0 <= window.remaining <= window.total < 2**31
    for rest in account.rests.values():
        assert NOW < rest.until <= NOW + 31 * DAY
    assert account.created_at <= NOW


def test_a_whole_file_of_any_size_is_read_in_pieces():
    raw = (GOLDEN / "v2_accounts.json").read_bytes()
    whole = [entry.secret for entry in read([raw], Reading(now=NOW))]
    for size in (1, 13, 500):
        chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
        assert [entry.secret for entry in read(chunks, Reading(now=NOW))] == whole
