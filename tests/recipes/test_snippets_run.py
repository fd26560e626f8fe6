"""What can be run of the snippets is run, as it is printed, against a gateway that wants a key."""

import asyncio
import os
import sys

import pytest

from grok2api.recipes.recipe import KEY_VARIABLE, Connection, Form, rendered
from grok2api.recipes.table import BY_NAME
from rig import rigged

KEY = "the-gateway-key"


@pytest.fixture
async def rig(tmp_path):
    async with rigged(tmp_path, settings={"app.api_key": KEY}) as rig:
        yield rig


async def output(*command: str, **environ: str) -> str:
    """What a program printed; it has to end well."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **environ}
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


def connected(url: str) -> Connection:
    return Connection(url=url, key=KEY, model="grok-4.20-fast", small_model="grok-4.3-low")


async def test_curl(rig):
    steps = rendered(BY_NAME["curl"], connected(rig.url))
    assert {step.form for step in steps} == {Form.SHELL}
    out = await output("bash", "-ec", "\n".join(step.text for step in steps))
    streamed, rest = out.split("data: [DONE]")
    assert '"chat.completion.chunk"' in streamed
    assert '"type":"message"' in rest
    assert '"id":"grok-4.20-fast"' in rest


@pytest.mark.parametrize("name", ["python-openai", "python-anthropic"])
async def test_python(rig, name):
    code = next(step.text for step in rendered(BY_NAME[name], connected(rig.url)) if step.form is Form.PYTHON)
    out = await output(sys.executable, "-c", code, **{KEY_VARIABLE: KEY})
    assert out.count("Hello") >= (2 if name == "python-openai" else 1)
