"""Every snippet of every client is read by a parser of its own format, with harmless and with hostile values in it."""

import ast
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from grok2api.recipes.recipe import Connection, Done, Form, Step, holes, lines, quoted, rendered
from grok2api.recipes.table import RECIPES

HOSTILE = """a'b"c$(id)`id`\\n\\{key}#%&<é"""

CONNECTIONS = {
    "plain": Connection(key="the-key", model="grok-4.3-console", small_model="grok-4.3-low"),
    "hostile": Connection(
        url="https://h.example:1/x", key=f"K{HOSTILE}", model=f"M{HOSTILE}", small_model=f"S{HOSTILE}"
    ),
}

CASES = [
    pytest.param(recipe, number, name, id=f"{recipe.name}-{number + 1}-{name}")
    for recipe in RECIPES
    for number in range(len(recipe.steps))
    for name in CONNECTIONS
]


def strings(data: object) -> Iterator[str]:
    """Every string in parsed data, names too."""
    match data:
        case str():
            yield data
        case dict():
            for name, value in data.items():
                yield from strings(name)
                yield from strings(value)
        case list():
            for value in data:
                yield from strings(value)


def in_shell(text: str) -> Iterator[str]:
    subprocess.run(["bash", "-n"], input=text, text=True, check=True, capture_output=True)
    for word in shlex.split(text, comments=False):
        yield word
        yield word.partition("=")[2]


def in_python(text: str) -> Iterator[str]:
    tree = ast.parse(text)
    compile(tree, "snippet", "exec")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def in_javascript(text: str) -> Iterator[str]:
    """Its string literals; what is left has to be balanced. Where Node is installed, it reads the snippet too."""
    literal = re.compile(r'"(?:[^"\\\n]|\\.)*"')
    yield from (json.loads(found) for found in literal.findall(text))
    bare = literal.sub("", text)
    assert not set(bare) & set("\"'`\\")
    depth: list[str] = []
    for mark in re.findall(r"[][(){}]", bare):
        if mark in "([{":
            depth.append(mark)
        else:
            assert depth.pop() + mark in ("()", "[]", "{}")
    assert depth == []
    node = shutil.which("node")
    if node is not None:
        command = [node, "--input-type=module", "--check", "-"]
        subprocess.run(command, input=text, text=True, check=True, capture_output=True)


READERS: dict[Form, Callable[[str], Iterator[str]]] = {
    Form.SHELL: in_shell,
    Form.DOTENV: in_shell,
    Form.TOML: lambda text: strings(tomllib.loads(text)),
    Form.JSON: lambda text: strings(json.loads(text)),
    Form.YAML: lambda text: strings(yaml.safe_load(text)),
    Form.PYTHON: in_python,
    Form.JAVASCRIPT: in_javascript,
    Form.TEXT: lambda text: (part for line in text.splitlines() for part in (line.partition(": ")[2], text)),
}


def named(step: Step) -> set[str]:
    """The holes of a step."""
    text = step.body if isinstance(step.body, str) else json.dumps(step.body)
    return set(re.findall(r"\{([a-z_]+)\}", text))


@pytest.mark.parametrize(("recipe", "number", "name"), CASES)
def test_a_snippet_is_what_its_format_says_and_holds_the_values_whole(recipe, number, name):
    connection = CONNECTIONS[name]
    done = rendered(recipe, connection)[number]
    found = set(READERS[done.form](done.text))
    values = holes(connection)
    missing = [hole for hole in named(recipe.steps[number]) if not any(values[hole] in text for text in found)]
    assert missing == []


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_no_file_and_no_program_holds_the_key_where_the_environment_can(recipe):
    """The key itself stands in what is typed, in `.env` files and in windows, and nowhere else."""
    done = rendered(recipe, CONNECTIONS["plain"])
    holding = {step.form for step in done if "the-key" in step.text}
    assert holding <= {Form.SHELL, Form.DOTENV, Form.TEXT}
    assert holding, "nothing says where the key goes"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_recipe_names_the_address_and_a_model(recipe):
    text = "\n".join(lines(recipe, CONNECTIONS["plain"]))
    assert recipe.base_url("http://127.0.0.1:8000") in text
    if recipe.name != "litellm":  # takes every model
        assert "grok-4.3" in text
    assert not re.search(r"\{[a-z_]+\}", text), "a hole was not filled"


def test_names_are_unique_and_fit_a_command_line():
    names = [recipe.name for recipe in RECIPES]
    assert len(set(names)) == len(names) >= 20
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z-]+", name)] == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_string_reads_the_same_everywhere(value):
    literal = quoted(value)
    assert json.loads(literal) == value
    assert tomllib.loads(f"x = {literal}")["x"] == value
    assert ast.literal_eval(literal) == value
    assert yaml.safe_load(literal) == value


def test_what_is_for_people_stands_behind_a_hash():
    recipe = next(recipe for recipe in RECIPES if recipe.name == "python-openai")
    connection = CONNECTIONS["plain"]
    code = {line for step in rendered(recipe, connection) for line in step.text.splitlines()}
    rest = [line for line in lines(recipe, connection) if line and "\n" not in line and line not in code]
    assert [line for line in rest if not line.startswith("# ")] == []


def test_a_step_is_shown_without_empty_lines_around():
    assert all(
        isinstance(step, Done) and step.text == step.text.strip("\n")
        for step in rendered(RECIPES[0], CONNECTIONS["plain"])
    )
