"""`grok2api connect` against a gateway that runs, one that does not, and one that refuses the key."""

import asyncio
import json
import socket

import pytest
from typer.testing import CliRunner

from grok2api.cli.main import application
from grok2api.recipes.table import RECIPES
from rig import BASIC, rigged
from typed import on_terminal, refusal

KEY = "the-gateway-key-MARKED"


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch, tmp_path):
    for name in ("GROK2API_URL", "GROK2API_KEY", "GROK2API_APP__API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GROK2API_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
async def rig(tmp_path):
    async with rigged(tmp_path / "gateway", settings={"app.api_key": KEY}) as rig:
        yield rig


async def connect(*words):
    """The verb, in a thread: it has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, application(["connect"]), ["connect", *words])


async def test_the_snippet_names_what_the_gateway_serves(rig):
    result = await connect("codex", "--url", f"{rig.url}/v1/", "--key", KEY)
    assert result.exit_code == 0
    assert f'base_url = "{rig.url}/v1"' in result.stdout
    assert 'model = "grok-4.3-console"' in result.stdout


async def test_the_model_is_one_that_is_served_now(tmp_path):
    async with rigged(tmp_path / "basic", accounts=(("sim-basic-1", BASIC),)) as rig:
        parts = json.loads((await connect("open-webui", "--url", rig.url, "--json")).stdout)
    assert (parts["model"], parts["small_model"], parts["key"]) == ("grok-4.20-fast", "grok-4.20-fast", "none")


async def test_nobody_to_serve_is_told(tmp_path):
    async with rigged(tmp_path / "empty", accounts=()) as rig:
        result = await connect("codex", "--url", rig.url)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "serves no chat model now" in result.stderr
    assert "export GROK2API_KEY=none" in result.stdout


async def test_Z2_the_key_is_not_in_a_pipe_unless_it_is_asked_for(rig, monkeypatch):
    monkeypatch.setenv("GROK2API_KEY", KEY)
    for words in (("claude-code",), ("codex", "--json"), ("cursor",)):
        result = await connect(*words, "--url", rig.url)
        assert result.exit_code == 0
        assert KEY not in result.output
        assert "YOUR_KEY" in result.stdout
        assert "--show-key" in result.stderr
    shown = await connect("cursor", "--url", rig.url, "--show-key")
    assert f"OpenAI API Key: {KEY}" in shown.stdout.splitlines()
    assert shown.stderr == ""


async def test_the_key_is_shown_on_a_terminal(rig, monkeypatch, tmp_path):
    monkeypatch.setenv("GROK2API_KEY", KEY)
    words = ("connect", "codex", "--url", rig.url, "--data-dir", str(tmp_path))
    shown, _ = await asyncio.to_thread(on_terminal, *words)
    assert f"export GROK2API_KEY={KEY}" in shown
    _, piped = await asyncio.to_thread(lambda: on_terminal(*words, piped=True))
    assert "export GROK2API_KEY=YOUR_KEY" in piped


@pytest.mark.parametrize(
    ("words", "environ", "said"),
    [
        (("--key", "wrong"), {}, "refuses the key of --key"),
        ((), {"GROK2API_KEY": "wrong"}, "refuses the key of GROK2API_KEY"),
        ((), {"GROK2API_APP__API_KEY": "wrong"}, "refuses the key of app.api_key (environment GROK2API_APP__API_KEY)"),
        ((), {}, "wants a key: set GROK2API_KEY"),
    ],
)
async def test_a_key_that_is_refused_is_named(rig, monkeypatch, words, environ, said):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    result = await connect("codex", "--url", rig.url, *words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "wrong" not in result.output
    assert 'model_provider = "grok2api"' in result.stdout, "the snippet is there all the same"


@pytest.fixture
def nobody():
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


async def test_a_gateway_that_does_not_run_is_told_and_the_snippet_is_printed(nobody):
    result = await connect("codex", "--url", nobody)
    assert result.exit_code == 1
    assert result.stderr == f"grok2api: nothing answers at {nobody}; grok2api serve starts the gateway\n"
    assert 'model = "grok-4.3-console"' in result.stdout
    assert "export GROK2API_KEY=YOUR_KEY" in result.stdout
    parts = json.loads((await connect("codex", "--url", nobody, "--json")).stdout)
    assert parts["checked"] is False


async def test_another_program_at_the_address_is_told():
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        result = await connect("codex", "--url", url)
    assert (result.exit_code, "another program answers" in result.stderr) == (1, True)


async def test_a_model_that_is_asked_for_is_taken_and_one_that_is_not_listed_is_warned_of(rig):
    words = ("opencode", "--url", rig.url, "--key", KEY, "--model")
    good = await connect(*words, "grok-4.20-heavy")
    assert ('"model": "grok2api/grok-4.20-heavy"' in good.stdout, good.stderr.count("warning")) == (True, 0)
    odd = await connect(*words, "grok-4.20-heave")
    assert odd.exit_code == 0
    assert "grok-4.20-heave is not in the list of models; the nearest are grok-4.20-heavy" in odd.stderr
    assert "; a pattern of aliases may know it\n" in odd.stderr


async def test_the_address_is_that_of_the_settings(rig, monkeypatch):
    port = rig.url.rpartition(":")[2]
    monkeypatch.setenv("GROK2API_SERVER__PORT", port)
    monkeypatch.setenv("GROK2API_APP__API_KEY", f"{KEY},another")
    assert f"http://127.0.0.1:{port}/v1" in (await connect("curl")).stdout
    monkeypatch.setenv("GROK2API_APP__APP_URL", f"http://localhost:{port}/")
    result = await connect("curl")
    assert f"http://localhost:{port}/v1" in result.stdout
    assert result.exit_code == 0, "the configured key was taken"


async def test_the_clients_are_listed():
    result = await connect()
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.splitlines() if not line.startswith("#")]
    assert listed == [recipe.name for recipe in RECIPES]
    rows = json.loads((await connect("--json")).stdout)
    assert [row["name"] for row in rows] == listed
    assert [row["name"] for row in rows if row["run"]] == ["claude-code", "codex", "opencode"]


async def test_a_program_s_name_is_understood_and_another_answered_with_the_nearest(nobody):
    assert "# Claude Code: " in (await connect("claude", "--url", nobody)).stdout
    error = refusal(await connect("codecs"))
    assert (error.exit_code, "the nearest are codex" in error.message) == (2, True)
    assert error.message.endswith("; grok2api connect lists all")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "http://me:pw@h"])
async def test_what_is_no_address_is_one_line(url):
    error = refusal(await connect("codex", "--url", url))
    assert (error.exit_code, "pw" in error.message) == (2, False)
