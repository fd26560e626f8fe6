"""`grok2api run` with clients that are scripts: what they get, and that signals and exit codes are theirs."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from rig import rigged

KEY = "the-gateway-key-MARKED"

#: Says what it was given, and then does what its last word says.
CLIENT = f"""#!{sys.executable}
import json, os, signal, sys, time
print(json.dumps({{"words": sys.argv[1:], "environ": dict(os.environ)}}), flush=True)
last = sys.argv[-1]
if last.startswith("exit:"):
    sys.exit(int(last[5:]))
if last == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if last == "wait":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    print("waiting", flush=True)
    signal.pause()
if last == "echo":
    print(sys.stdin.read(), end="")
"""


class Bench:
    """A home, a directory of programs, and the verb in a process of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.home = folder / "home"
        self.programs = folder / "bin"
        self.home.mkdir()
        self.programs.mkdir()
        self.environ = {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "GROK2API_URL": url,
            "GROK2API_KEY": KEY,
        }

    def install(self, name: str, text: str = CLIENT) -> None:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)

    async def start(self, *words: str, **environ: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "grok2api", "run", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self.environ, **environ},
            cwd=self.home,
        )

    async def __call__(self, *words: str, stdin: str = "", **environ: str) -> tuple[int | None, str, str]:
        """The exit code, and what was printed and said."""
        process = await self.start(*words, **environ)
        out, err = await process.communicate(stdin.encode())
        return process.returncode, out.decode(), err.decode()

    async def given(self, *words: str, **environ: str) -> tuple[list[str], Mapping[str, str]]:
        """The words and the environment that the client got."""
        code, out, err = await self(*words, **environ)
        assert (code, err) == (0, "")
        told = json.loads(out)
        return told["words"], told["environ"]


@pytest.fixture
async def bench(tmp_path):
    async with rigged(tmp_path / "gateway", settings={"app.api_key": KEY}) as rig:
        bench = Bench(tmp_path, rig.url)
        for name in ("claude", "codex", "opencode"):
            bench.install(name)
        yield bench


async def test_claude_code(bench):
    theirs = ("-p", "say hi", "--model", "opus", "--", "--url", "{key}")
    words, environ = await bench.given("claude", *theirs, ANTHROPIC_API_KEY="theirs", CLAUDE_CODE_USE_VERTEX="1")
    assert words == list(theirs)
    assert environ["ANTHROPIC_BASE_URL"] == bench.environ["GROK2API_URL"]
    assert environ["ANTHROPIC_AUTH_TOKEN"] == KEY
    assert environ["ANTHROPIC_MODEL"] == environ["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "grok-4.3-console"
    assert environ["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "grok-4.3-low"
    assert {"ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_VERTEX"}.isdisjoint(environ)


async def test_codex(bench):
    words, environ = await bench.given("codex", "--model", "grok-4.20-auto", "exec", "--json", "hello")
    assert words[-3:] == ["exec", "--json", "hello"]
    assert 'model="grok-4.20-auto"' in words
    assert environ["GROK2API_KEY"] == KEY
    assert KEY not in " ".join(words)


async def test_opencode(bench):
    words, environ = await bench.given("opencode", "run", "hello")
    assert words == ["run", "hello"]
    assert json.loads(environ["OPENCODE_CONFIG_CONTENT"])["model"] == "grok2api/grok-4.3-console"
    assert KEY not in environ["OPENCODE_CONFIG_CONTENT"]


async def test_the_recipe_s_name_is_understood(bench):
    words, _ = await bench.given("claude-code", "--version")
    assert words == ["--version"]


async def test_options_of_ours_may_stand_on_both_sides_of_the_name(bench):
    url = bench.environ["GROK2API_URL"]
    words, environ = await bench.given(
        "--url", url, "claude", "--key", KEY, "-p", GROK2API_URL="", GROK2API_KEY="wrong"
    )
    assert (words, environ["ANTHROPIC_AUTH_TOKEN"]) == (["-p"], KEY)


async def test_nothing_is_written_in_the_user_s_home(bench):
    for name in ("claude", "codex", "opencode"):
        await bench.given(name)
    assert list(bench.home.iterdir()) == []


@pytest.mark.parametrize(("last", "code"), [("exit:0", 0), ("exit:3", 3), ("killed", -signal.SIGKILL)])
async def test_the_exit_code_is_the_client_s(bench, last, code):
    assert (await bench("codex", last))[0] == code


async def test_signals_reach_the_client(bench):
    process = await bench.start("claude", "wait")
    assert process.stdout is not None
    while await process.stdout.readline() != b"waiting\n":
        pass
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 7


async def test_the_input_is_the_client_s(bench):
    code, out, _ = await bench("claude", "echo", stdin="from a pipe")
    assert (code, out.splitlines()[-1]) == (0, "from a pipe")


async def test_no_signal_is_ignored_that_python_ignores(bench):
    bench.install("codex", "#!/bin/sh\nexec grep SigIgn /proc/self/status\n")
    _, out, _ = await bench("codex")
    ignored = int(out.split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1))


async def test_a_program_that_is_missing_is_one_line_that_says_how_to_get_it(bench):
    (bench.programs / "codex").unlink()
    said = "grok2api: codex is not on the PATH; install it: npm install -g @openai/codex\n"
    assert await bench("codex") == (127, "", said)


async def test_a_program_that_cannot_be_started_is_one_line(bench):
    bench.install("codex", "#!/no/such/interpreter\n")
    code, out, err = await bench("codex")
    assert (code, out, err.count("\n")) == (126, "", 1)
    assert "cannot be started" in err


async def test_a_gateway_that_does_not_run_is_one_line_and_nothing_is_started(bench):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        said = f"grok2api: nothing answers at {url}; grok2api serve starts the gateway\n"
        assert await bench("claude", GROK2API_URL=url) == (1, "", said)


async def test_a_key_that_is_refused_is_one_line_and_nothing_is_started(bench):
    code, out, err = await bench("claude", GROK2API_KEY="wrong")
    assert (code, out) == (1, "")
    assert err.endswith("refuses the key of GROK2API_KEY\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("aider",), "run knows claude, codex, opencode; grok2api connect aider says how aider is connected"),
        (("cloude",), "cloude is not a client that is known; the nearest are claude"),
        (("claude", "--model"), "--model needs a value"),
    ],
)
async def test_a_wrong_use_is_one_line(bench, words, said):
    code, out, err = await bench(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


async def test_a_model_that_is_not_listed_is_warned_of_and_used(bench):
    code, out, err = await bench("claude", "--model", "grok-4.3-consul")
    assert code == 0
    assert "warning: grok-4.3-consul is not in the list of models" in err
    assert json.loads(out)["environ"]["ANTHROPIC_MODEL"] == "grok-4.3-consul"
