"""The command line `llm`: streams, tools, schemas, pictures, a conversation that goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

from cases import FOLDER, KEY, MODEL, V1, asked, case, equal, main, png

LLM = Path(sys.executable).with_name("llm")
HOME = FOLDER / "llm"
TOOLS = """
def get_weather(city: str) -> str:
    "The weather of a city."
    return f"11 degrees in {city}"
"""
SETTINGS = f"""
- model_id: grok
  model_name: {MODEL}
  api_base: {V1}
  api_key_name: grok
  supports_tools: true
  supports_schema: true
  vision: true
"""


def llm(*arguments: str) -> str:
    """What the command prints. Raises when it fails."""
    HOME.mkdir(exist_ok=True)
    (HOME / "extra-openai-models.yaml").write_text(SETTINGS)
    (HOME / "keys.json").write_text(json.dumps({"grok": KEY}))
    environment = {**os.environ, "LLM_USER_PATH": str(HOME)}
    done = subprocess.run(
        [str(LLM), *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stderr or done.stdout)[-600:]
    return done.stdout


@case("stream")
def stream() -> None:
    assert "Hello from llm" in llm("-m", "grok", "-s", "Be brief.", "Hello from llm")
    assert "Be brief." in asked()


@case("no stream")
def plain() -> None:
    assert "Hello from llm" in llm("-m", "grok", "--no-stream", "Hello from llm")


@case("usage")
def usage() -> None:
    llm("-m", "grok", "Hello from llm")
    logged = json.loads(llm("logs", "-n", "1", "--json"))[0]
    assert logged["input_tokens"] > 0 < logged["output_tokens"]


@case("tools")
def tools() -> None:
    said = llm("-m", "grok", "--functions", TOOLS, "What is the weather in Oslo?")
    assert "11 degrees in Oslo" in said
    said = llm("-m", "grok", "--functions", TOOLS, "--no-stream", "Get the weather in Oslo and Rome, both in parallel")
    assert "11 degrees in Rome" in said


@case("schema")
def schema() -> None:
    equal(list(json.loads(llm("-m", "grok", "--schema", "name, people int", "What about Oslo?"))), ["name", "people"])


@case("picture")
def picture() -> None:
    path = FOLDER / "sea.png"
    path.write_bytes(png())
    assert llm("-m", "grok", "-a", str(path), "What is this?")


@case("conversation")
def conversation() -> None:
    llm("-m", "grok", "My number is 4711.")
    llm("-c", "Which number?")
    assert "4711" in asked()


if __name__ == "__main__":
    main()
