"""Headers by which a proxy says who is behind it. Everybody can send them, so nobody is believed."""

from pathlib import Path

import pytest

from asking import ask
from rig import BASIC, CHAT, rigged

FORWARDED = {
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Real-IP": "203.0.113.7",
    "Forwarded": "for=203.0.113.7;host=evil.example;proto=https",
    "X-Original-URL": "/admin/api/status",
    "X-Rewrite-URL": "/admin/api/status",
}


@pytest.mark.parametrize("path", ["/", "/v1/v1/models", "/admin/api/status", "/health"])
async def test_Z5_forwarded_headers_change_no_answer(tmp_path: Path, path: str) -> None:
    async with (
        rigged(tmp_path, accounts=(("sim-1", BASIC),)) as rig,
        rig.http.get(rig.url + path) as plain,
        rig.http.get(rig.url + path, headers=FORWARDED) as forwarded,
    ):
        assert (plain.status, await plain.read()) == (forwarded.status, await forwarded.read())


async def test_Z5_forwarded_headers_reach_neither_the_log_nor_the_upstream(tmp_path: Path, capsys) -> None:
    async with rigged(tmp_path, accounts=(("sim-1", BASIC),)) as rig:
        status, _, _ = await rig.post(CHAT, ask("chat", stream=False), **FORWARDED)
        assert status == 200
        sent = [value for entry in rig.world.journal.entries for value in entry.headers.values()]
    said = "".join(capsys.readouterr())
    for words in (*sent, said):
        assert "203.0.113.7" not in words
        assert "evil.example" not in words
