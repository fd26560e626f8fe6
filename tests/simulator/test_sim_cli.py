"""`grok2api simulate` says how to use it, and refuses what it cannot do in one line."""

import json
import socket

import pytest

from grok2api.cli.common import CommandError
from grok2api.cli.simulate import greeting, read_accounts, simulate


async def test_the_greeting_points_a_gateway_at_it_and_names_the_tokens(simulator):
    text = greeting(simulator)
    assert f"GROK2API_UPSTREAM__WEB__BASE_URL={simulator.url}" in text
    assert f"GROK2API_UPSTREAM__CONSOLE__BASE_URL={simulator.url}" in text
    assert all(token in text for token in simulator.world.accounts)


def test_accounts_are_read_from_a_file(tmp_path):
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps([{"token": "a", "tier": "heavy", "state": "blocked"}]))
    assert [(one.token, one.tier.value, one.state) for one in read_accounts(path)] == [("a", "heavy", "blocked")]


@pytest.mark.parametrize("text", [None, "{", '[{"tier": "super"}]', '[{"token": "a", "tier": "gold"}]'])
def test_a_bad_accounts_file_is_one_line(tmp_path, text):
    path = tmp_path / "accounts.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CommandError) as refused:
        read_accounts(path)
    assert "accounts file" in refused.value.message
    assert "\n" not in refused.value.message


def test_O3_a_taken_port_is_named_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(CommandError, match="--port"):
        simulate(port=taken.getsockname()[1], host="127.0.0.1", accounts=None)
