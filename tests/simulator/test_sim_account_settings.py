"""Account settings: what is checked, what is remembered, what can go wrong."""

import pytest

from settings_calls import ACCEPT, GRPC, OFF, ON, SWITCH, TERMS, call
from simulated import chat, said


async def test_what_was_set_is_remembered_for_each_account(simulator):
    accounts = simulator.world.accounts
    fine = await call(simulator, TERMS, ACCEPT)
    assert (fine.status, fine.body.hex()) == (200, "00000000008000000010677270632d7374617475733a20300d0a")
    await call(simulator, SWITCH, ON)
    assert (accounts["demo-super-1"].terms_accepted, accounts["demo-super-1"].nsfw) == (True, True)
    assert (accounts["demo-basic-1"].terms_accepted, accounts["demo-basic-1"].nsfw) == (False, False)
    await call(simulator, SWITCH, OFF)
    assert accounts["demo-super-1"].nsfw is False


async def test_the_switch_needs_the_terms_only_to_be_turned_on(simulator):
    assert b"terms%20of%20service" in (await call(simulator, SWITCH, ON)).body
    assert b"grpc-status: 0" in (await call(simulator, SWITCH, OFF)).body


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        (TERMS, b"", {}),
        (TERMS, ACCEPT[:-1], {}),
        (TERMS, ACCEPT + b"\x00", {}),
        (TERMS, ON, {}),
        (TERMS, b"\x01" + ACCEPT[1:], {}),
        (TERMS, ACCEPT, {"X_Grpc_Web": "0"}),
        (TERMS, ACCEPT, {"X_User_Agent": "curl"}),
        (TERMS, ACCEPT, {"Content_Type": "application/json"}),
        (TERMS, ACCEPT, {"Referer": "https://accounts.x.ai/"}),
        (TERMS, ACCEPT, {"Origin": ""}),
        (SWITCH, ACCEPT, {}),
        (SWITCH, ON.replace(b"always", b"sometm"), {}),
        (SWITCH, bytes.fromhex("00000000040a021001"), {}),
    ],
)
async def test_what_is_not_in_order_is_refused_and_changes_nothing(simulator, path, body, headers):
    got = await call(simulator, path, body, **headers)
    assert b"grpc-status: 3" in got.body
    assert simulator.world.accounts["demo-super-1"].terms_accepted is False


async def test_an_unknown_cookie_and_a_sick_account_are_refused_over_http(simulator):
    assert (await call(simulator, TERMS, ACCEPT, "nobody")).status == 401
    simulator.world.accounts["demo-super-1"].state = "blocked"
    assert (await call(simulator, TERMS, ACCEPT)).status == 403


@pytest.mark.parametrize("name", GRPC)
async def test_a_word_does_what_its_row_says(simulator, name):
    written, holds = GRPC[name]
    simulator.world.on(endpoint="terms", fault=written)
    got = await call(simulator, TERMS, ACCEPT)
    assert holds(got), (got.headers, got.body)
    assert simulator.world.accounts["demo-super-1"].terms_accepted is (name != "grpc-refuse")


async def test_a_chat_is_not_touched_by_these_words(simulator):
    simulator.world.on(script="One two.", fault=list(GRPC))
    assert said(await chat(simulator, "[user]: hi")) == "One two."
