"""aider, as a person runs it: one message, and the file in the repository is changed and committed.

The model is a script (the simulator's scenarios): it answers in the edit format that aider's prompt asks for.
"""

import os
import subprocess
import sys
from pathlib import Path

from cases import FOLDER, KEY, MODEL, URL, V1, asked, case, equal, main, scripted

AIDER = Path(sys.executable).with_name("aider")
BEFORE = 'def greet():\n    return "hello"\n'
AFTER = 'def greet():\n    return "good day"\n'
WHOLE = f"I changed the greeting.\n\ngreet.py\n```\n{AFTER}```\n"
BLOCK = (
    "I changed the greeting.\n\ngreet.py\n```python\n<<<<<<< SEARCH\n"
    '    return "hello"\n=======\n    return "good day"\n>>>>>>> REPLACE\n```\n'
)


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    return subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def edited(name: str, answer: str, *options: str) -> Path:
    """A repository in which aider was asked for a change and got this answer."""
    folder = FOLDER / name
    folder.mkdir()
    (folder / "greet.py").write_text(BEFORE)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    wish = f"Make the greeting of {name} more formal."
    scripted(answer, contains=wish)
    quiet = "--yes-always --no-check-update --analytics-disable --no-show-model-warnings --no-pretty --no-gitignore"
    given = {
        "OPENAI_API_BASE": V1,
        "OPENAI_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": URL,
        "ANTHROPIC_API_BASE": URL,
        "ANTHROPIC_API_KEY": KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    done = subprocess.run(
        [str(AIDER), *quiet.split(), *options, "--message", wish, "greet.py"],
        cwd=folder,
        env={**os.environ, **given},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stdout + done.stderr)[-700:]
    assert (folder / "greet.py").read_text() == AFTER, said
    equal(len(git(folder, "log", "--oneline").splitlines()), 2)
    assert "def greet" in asked(4)
    return folder


@case("edit a file: whole, streamed")
def whole() -> None:
    edited("whole", WHOLE, "--model", f"openai/{MODEL}", "--edit-format", "whole")


@case("edit a file: search and replace, streamed")
def blocks() -> None:
    edited("blocks", BLOCK, "--model", f"openai/{MODEL}", "--edit-format", "diff")


@case("edit a file: not streamed")
def unstreamed() -> None:
    edited("unstreamed", BLOCK, "--model", f"openai/{MODEL}", "--edit-format", "diff", "--no-stream")


@case("edit a file: over Messages")
def messages() -> None:
    edited("messages", BLOCK, "--model", f"anthropic/{MODEL}", "--edit-format", "diff")


if __name__ == "__main__":
    main()
