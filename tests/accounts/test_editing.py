"""What an operator changes about an account, as values."""

import msgspec
import pytest

from grok2api.accounts.editing import fits, recredentialed, retagged
from grok2api.accounts.model import WHOLE, Account, Kind, Rest, State, new_account
from grok2api.catalog import Tier


def account(**fields: object) -> Account:
    made = new_account("acc_1", "session-1", Kind.WEB, Tier.SUPER, 0.0, tags=("a", "b"))
    return msgspec.structs.replace(made, user_id="u", use_count=3, **fields)


@pytest.mark.parametrize("tier", Tier)
def test_official_keys_are_in_the_pool_api_and_nothing_else_is(tier):
    assert fits(Kind.API, tier) is (tier is Tier.API)
    assert fits(Kind.WEB, tier) is not (tier is Tier.API)


@pytest.mark.parametrize("state", State)
def test_a_fresh_credential_ends_expiry_and_doubt_but_no_decision(state):
    rests = {WHOLE: Rest(until=9.0, since=1.0)}
    fresh = recredentialed(account(state=state, state_reason="why", rests=rests), "session-2")
    ended = state in (State.EXPIRED, State.SUSPECT)
    assert fresh.state is (State.ACTIVE if ended else state)
    assert (fresh.secret, fresh.user_id, fresh.use_count, fresh.tags) == ("session-2", None, 3, ("a", "b"))
    assert bool(fresh.rests) is not ended


def test_the_same_credential_changes_nothing():
    known = account(state=State.EXPIRED)
    assert recredentialed(known, "session-1") is known


def test_a_credential_of_another_kind_moves_the_account():
    key = recredentialed(account(), "xai-1")
    assert (key.kind, key.tier) == (Kind.API, Tier.API)
    assert recredentialed(key, "session-1").tier is Tier.BASIC


def test_tags_are_put_on_and_taken_off():
    assert retagged(account(), [" c ", "a"], ["b", "nobody"]).tags == ("a", "c")
    assert retagged(account(), ["c"], ["c"]).tags == ("a", "b")
