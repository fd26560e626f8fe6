"""What is written with credentials comes back with nothing lost; what is masked holds none and is refused."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.accounts.exporting import Form, writer, written
from grok2api.accounts.importing import Reading, parse, read
from grok2api.accounts.model import WHOLE, Account, Kind, Rest, Source, State, Window, new_account
from grok2api.catalog import TIER_MODES, Tier

NOW = 1_767_225_600.0
LOSSLESS = [form for form in Form if form is not Form.TEXT]

moments = st.floats(0, 1e10)
counts = st.integers(0, 2**31 - 1)
words = st.text(max_size=20)
tags = st.text(min_size=1, max_size=12).map(str.strip).filter(bool)
windows = st.builds(
    Window,
    remaining=counts,
    total=counts,
    window_sec=counts,
    resets_at=st.none() | moments,
    source=st.sampled_from(Source),
)
rests = st.builds(Rest, until=moments, since=moments, probe_at=st.none() | moments, count=counts, reason=words)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    tier = draw(st.sampled_from(Tier))
    secret = draw(st.text("abcXYZ019-._=", min_size=1, max_size=30)).replace("sso=", "").strip("=.") or "s"
    secret = f"xai-{secret}" if tier is Tier.API else f"s-{secret}"
    modes = st.sampled_from(sorted(TIER_MODES[tier]))
    return Account(
        id=draw(st.sampled_from(["acc_1", "acc_2"])),
        secret=secret,
        kind=Kind.API if tier is Tier.API else Kind.WEB,
        tier=tier,
        state=draw(st.sampled_from(State)),
        state_reason=draw(words),
        tags=tuple(draw(st.lists(tags, max_size=4, unique=True))),
        windows=draw(st.dictionaries(modes, windows, max_size=3)),
        rests=draw(st.dictionaries(modes | st.just(WHOLE), rests, max_size=3)),
        health=draw(st.floats(0.05, 1)),
        strikes=tuple(draw(st.lists(moments, max_size=3))),
        use_count=draw(counts),
        fail_count=draw(counts),
        last_used_at=draw(st.none() | moments),
        last_error=draw(words),
        last_error_at=draw(st.none() | moments),
        created_at=draw(moments),
        user_id=draw(st.none() | st.text(min_size=1, max_size=20)),
    )


@pytest.mark.parametrize("form", LOSSLESS)
@given(account=accounts(), chunk=st.integers(1, 400))
def test_what_was_written_comes_back_with_nothing_lost(form, account, chunk):
    raw = "".join(written([account], form, secrets=True)).encode()
    chunks = [raw[at : at + chunk] for at in range(0, len(raw), chunk)]
    (entry,) = read(chunks, Reading(now=NOW))
    assert entry.error == ""
    assert entry.account(account.id, NOW) == account


@pytest.mark.parametrize("form", LOSSLESS)
def test_many_come_back_in_their_pools_and_order(form):
    tiers = [Tier.BASIC, Tier.SUPER, Tier.BASIC, Tier.API]
    some = [
        new_account(
            f"acc_{n}", f"xai-{n}" if tier is Tier.API else f"session-{n}", Kind.WEB, tier, float(n), tags=(f"t{n}",)
        )
        for n, tier in enumerate(tiers)
    ]
    back = parse("".join(written(some, form, secrets=True)), "heavy", ("more",))
    assert sorted((entry.secret, entry.tier) for entry in back) == sorted((a.secret, a.tier) for a in some)
    assert all(entry.tags[-1] == "more" for entry in back)
    if form is not Form.JSON:
        assert [entry.secret for entry in back] == [account.secret for account in some]


@pytest.mark.parametrize("form", Form)
def test_nothing_written_is_nothing_read(form):
    assert [entry for entry in parse("".join(written([], form))) if not entry.error] == []


@pytest.mark.parametrize("form", Form)
def test_Z2_a_masked_file_holds_no_credential_and_is_refused(form):
    account = new_account("acc_1", "session-MARKED-0123456789", Kind.WEB, Tier.BASIC, NOW)
    text = "".join(written([account], form))
    assert "MARKED" not in text
    assert [entry.error[:9] for entry in parse(text)] == ["is masked"]


def test_text_is_a_credential_a_line_and_json_is_by_pool():
    account = new_account("acc_1", "session-1", Kind.WEB, Tier.SUPER, NOW, tags=("x",))
    assert "".join(written([account], Form.TEXT, secrets=True)) == "session-1\n"
    by_pool = json.loads("".join(written([account], Form.JSON, secrets=True)))
    assert by_pool["super"][0] | {"windows": 0} == {
        "id": "acc_1",
        "token": "session-1",
        "pool": "super",
        "tags": ["x"],
        "state": "active",
        "windows": 0,
        "health": 1.0,
        "created_at": NOW,
    }


def test_a_table_can_be_read_by_people():
    account = new_account("acc_1", "session-1", Kind.WEB, Tier.SUPER, NOW, tags=("x", "y z"))
    account = msgspec.structs.replace(account, state=State.DISABLED, state_reason="on holiday, back soon")
    header, row = "".join(written([account], Form.CSV, secrets=True)).splitlines()
    assert header.startswith("id,token,pool,tags,state,state_reason,windows")
    assert row.startswith('acc_1,session-1,super,"x,y z",disabled,"on holiday, back soon",')


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_file_that_is_written_by_and_by_is_the_same(form, size):
    tiers = [Tier.BASIC, Tier.BASIC, Tier.SUPER, Tier.SUPER, Tier.SUPER, Tier.API]
    some = [new_account(f"acc_{n}", f"session-{n}", Kind.WEB, tier, float(n)) for n, tier in enumerate(tiers)]
    pieces = writer(form)
    texts = [pieces.begin()]
    for at in range(0, len(some), size):
        texts += pieces.some(some[at : at + size])
    assert "".join([*texts, pieces.end()]) == "".join(written(some, form))
