"""The meaning of a filter and of an account's status."""

import msgspec
import pytest
from pooling import account

from grok2api.accounts.model import WHOLE, Rest, State
from grok2api.accounts.query import Filter, Status, cooling_until, status
from grok2api.catalog import MEDIA_MODES, TIER_MODES, Tier

NOW = 1000.0


def resting(**until):
    rests = {WHOLE if mode == "whole" else mode: Rest(until=time, since=0.0) for mode, time in until.items()}
    return msgspec.structs.replace(account(1), rests=rests)


@pytest.mark.parametrize(
    ("rests", "until"),
    [({}, 0), ({"fast": 2000}, 0), ({"fast": 2000, "console": 1500}, 1500), ({"whole": 1800}, 1800),
     ({"whole": 1800, "fast": 3000, "console": 2500}, 2500), ({"whole": 1800, "fast": 900, "console": 800}, 1800)],
)  # fmt: skip
def test_an_account_cools_until_its_first_mode_is_back(rests, until):
    assert cooling_until(resting(**rests)) == until


def test_an_account_that_can_only_draw_is_cooling():
    rests = dict.fromkeys(TIER_MODES[Tier.SUPER] - MEDIA_MODES, Rest(until=1500.0, since=0.0))
    resting_but_for_pictures = msgspec.structs.replace(account(1), tier=Tier.SUPER, rests=rests)
    assert status(resting_but_for_pictures, NOW) is Status.COOLING


def test_only_an_active_account_is_cooling():
    cooling = resting(whole=2000.0)
    assert status(cooling, NOW) is Status.COOLING
    assert status(cooling, 2000.0) is Status.ACTIVE
    assert status(msgspec.structs.replace(cooling, state=State.EXPIRED), NOW) is Status.EXPIRED


@pytest.mark.parametrize(
    ("which", "fits"),
    [(Filter(), True), (Filter(pool=Tier.BASIC), True), (Filter(pool=Tier.SUPER), False), (Filter(tag="team"), True),
     (Filter(tag="tea"), False), (Filter(text="TEA"), True), (Filter(text="ACC_1"), True),
     (Filter(text="secret"), False),
     (Filter(status=Status.ACTIVE), True), (Filter(status=Status.DISABLED), False),
     (Filter(pool=Tier.BASIC, tag="other"), False)],
)  # fmt: skip
def test_a_filter_wants_all_of_its_parts(which, fits):
    assert which.matches(msgspec.structs.replace(account(1), tags=("team",)), NOW) is fits
