"""Errands: what words ask for, the tool that does it whatever it is called, and a report of what really came back."""

import json
from pathlib import Path
from typing import Any

import pytest

from grok2api.simulator import canned
from grok2api.simulator.errands import Act, acts_in, next_steps
from grok2api.simulator.reading import Asked, Offered
from grok2api.simulator.script import Call, Say
from rig import CHAT, rigged

WORDS = 'Write the text "blue heron" into a file named note.txt, then read the file back and say what it holds.'


def tool(name: str, **properties: str) -> Offered:
    schema = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(properties),
    }
    return Offered(name, "", schema)


CLAUDE = (
    tool("Bash", command="string"),
    tool("Edit", file_path="string", old_string="string", new_string="string"),
    tool("Read", file_path="string"),
    tool("Write", file_path="string", content="string"),
)
CODEX = (tool("exec_command", cmd="string"), tool("view_image", path="string"))
OPENCODE = (
    tool("bash", command="string"),
    tool("read", filePath="string"),
    tool("write", content="string", filePath="string"),
)
PATCHING = (tool("shell", command="array"), tool("apply_patch", input="string"))


def step(tools: tuple[Offered, ...], *results: str, words: str = WORDS, more: tuple[tuple[str, str], ...] = ()) -> Any:
    turns = (("user", words), *(turn for result in results for turn in (("assistant", ""), ("tool", result))), *more)
    steps = next_steps(Asked(text=words, tools=tools, turns=turns))
    return steps if steps is None else steps[0]


@pytest.mark.parametrize(
    ("words", "acts"),
    [
        (WORDS, (Act("write", "note.txt", "blue heron"), Act("read", "note.txt"))),
        (
            "Save “two words” to src/a.md and run `wc src/a.md`.",
            (Act("write", "src/a.md", "two words"), Act("run", "", "wc src/a.md")),
        ),
        ('\\"Write \\"x\\" into a.txt, then read it back\\"', (Act("write", "a.txt", "x"), Act("read", "a.txt"))),
        ("Read the file `missing.txt` and say what it holds", (Act("read", "missing.txt"),)),
        ("Run `ls` and tell me what came of it", (Act("run", "", "ls"),)),
        ("use the read tool to read README.md", ()),
        ("Write a poem and read it back", ()),
        ("I read note.txt yesterday", ()),
    ],
)
def test_words_are_taken_for_an_errand_only_when_they_are_one(words: str, acts: tuple[Act, ...]) -> None:
    assert acts_in(words) == acts


@pytest.mark.parametrize(
    ("tools", "name", "given"),
    [
        (CLAUDE, "Write", {"file_path": "note.txt", "content": "blue heron\n"}),
        (OPENCODE, "write", {"filePath": "note.txt", "content": "blue heron\n"}),
        (CODEX, "exec_command", {"cmd": "printf '%s\\n' 'blue heron' > note.txt"}),
        (PATCHING, "apply_patch", {"input": "*** Begin Patch\n*** Add File: note.txt\n+blue heron\n*** End Patch\n"}),
    ],
)
def test_each_agent_s_own_tool_is_found(tools: tuple[Offered, ...], name: str, given: dict[str, str]) -> None:
    call = step(tools)
    assert (call.name, json.loads(call.arguments)) == (name, given)


def test_a_command_may_be_a_list_and_a_named_tool_goes_first() -> None:
    call = step(PATCHING, "Done!")
    assert json.loads(call.arguments) == {"command": ["bash", "-lc", "cat note.txt"]}
    assert step(CLAUDE, words=f"{WORDS} Use the Bash tool.").name == "Bash"


def test_what_else_a_tool_requires_is_made_up() -> None:
    call = step((tool("write_file", path="string", content="string", overwrite="boolean"),))
    assert json.loads(call.arguments) == {"path": "note.txt", "content": "blue heron\n", "overwrite": True}


def test_the_report_says_what_came_back_and_claims_nothing_else() -> None:
    assert step(CLAUDE, "ok", "1→blue heron") == Say("Done. The file note.txt holds: blue heron")
    assert step(CLAUDE, "ok", "no such file") == Say("Done. This came of note.txt: no such file")
    assert step(CLAUDE, "ok", "1→blue heron", more=(("system", "keep it short"),)) == Say(
        "Done. The file note.txt holds: blue heron"
    )


def test_an_errand_that_is_done_is_not_done_again() -> None:
    assert step(CLAUDE, "ok", "blue heron", more=(("assistant", "Done."), ("user", "Thanks. And who are you?"))) is None


def test_without_a_tool_that_can_there_is_no_errand() -> None:
    assert step(()) is None
    assert isinstance(canned.answer(Asked(text=WORDS, turns=(("user", WORDS),), thinks=False)).steps[0], Say)
    assert not isinstance(step((tool("Grep", path="string"),)), Call)


@pytest.mark.parametrize("model", ["grok-4.20-auto", "grok-4.3-console"])
async def test_an_errand_is_run_through_the_gateway(tmp_path: Path, model: str) -> None:
    tools = [{"type": "function", "function": {"name": one.name, "parameters": one.schema}} for one in OPENCODE]
    messages: list[dict[str, Any]] = [{"role": "user", "content": WORDS}]
    called = []
    async with rigged(tmp_path) as rig:
        for result in ("Wrote it.", "<file>00001| blue heron</file>", ""):
            status, _, body = await rig.post(
                CHAT, {"model": model, "stream": False, "messages": messages, "tools": tools}
            )
            assert status == 200, body
            said = json.loads(body)["choices"][0]["message"]
            messages.append(said)
            for call in said.get("tool_calls") or ():
                called.append(call["function"]["name"])
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    assert called == ["write", "read"]
    assert messages[-1]["content"] == "Done. The file note.txt holds: blue heron"
