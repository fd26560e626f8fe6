"""Pages that cannot lie: what is in the code's tables is in the pages, and generated pages are fresh."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import typer.main
from clients import reference as clients_reference

from grok2api.accounts import reference as accounts_reference
from grok2api.accounts.model import DEFAULT_WINDOWS, Source
from grok2api.canonical.problem import Kind
from grok2api.catalog import LOWEST_FIRST, MODELS
from grok2api.cli.main import application
from grok2api.config import reference as config_reference
from grok2api.config.table import SETTINGS, section_titles
from grok2api.dialects import openai_errors
from grok2api.dialects.anthropic_messages import errors as anthropic_errors
from grok2api.recipes import reference as recipes_reference
from grok2api.storage.address import SCHEMES
from rig import rigged

PAGES = {**config_reference.PAGES, **accounts_reference.PAGES, **recipes_reference.PAGES}
ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES_OF_OURS = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SOURCES = {path: path.read_text() for path in sorted((ROOT / "src").rglob("*.py"))}


#: Distributions whose module has another name.
IMPORTED_AS = {"pillow": "PIL"}


def page(name: str) -> str:
    return (DOCS / name).read_text()


def commands(group, path: str):
    """Every verb with its options, from the command line itself."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


VERBS = dict(commands(typer.main.get_command(application()), "grok2api"))


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_fresh(name):
    assert page(name) == PAGES[name](), "run `make docs`"


def test_no_page_of_a_client_is_left_over():
    assert {path.relative_to(DOCS).as_posix() for path in (DOCS / "clients").iterdir()} == set(recipes_reference.PAGES)


@pytest.mark.parametrize("key", [row.key for row in SETTINGS])
def test_every_setting_is_documented(key):
    assert f"| `{key}` |" in page("configuration.md")


@pytest.mark.parametrize("name", [model.name for model in MODELS])
def test_every_model_is_documented(name):
    assert f"| `{name}` |" in page("models.md")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(verb):
    assert f"| `{verb}` |" in page("command-line.md")
    assert VERBS[verb].help, f"{verb} does not say what it does"


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "grok2api simulate"])
def test_every_option_is_documented(verb):
    text = page("command-line.md")
    options = [name for param in VERBS[verb].params for name in param.opts if name.startswith("--")]
    assert [name for name in options if f"`{name}" not in text] == []


def test_every_verb_in_the_pages_exists():
    named = {
        " ".join(match.split()[:3] if match.split()[1] in ("accounts", "config") else match.split()[:2])
        for text in map(Path.read_text, PAGES_OF_OURS)
        for match in re.findall(r"grok2api (?:serve|simulate|doctor|connect|run|accounts [a-z-]+|config [a-z]+)", text)
    }
    assert named <= set(VERBS)


@pytest.mark.parametrize("kind", Kind)
def test_every_problem_is_documented_as_it_is_answered(kind):
    openai, anthropic = openai_errors.ROWS[kind], anthropic_errors.ROWS[kind]
    answered = f"| `{kind}` | {openai.status} `{openai.type}` `{openai.code}` | {anthropic[0]} `{anthropic[1]}` |"
    assert answered in page("errors.md")


def test_every_dependency_has_its_reason_and_no_other_is_named():
    wanted = [re.split(r"[<>=\[]", spec)[0] for spec in PROJECT["project"]["dependencies"]]
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", page("dependencies.md"), re.MULTILINE)) == sorted(wanted)


def test_every_dependency_is_imported_somewhere():
    specs = (re.split(r"[<>=\[]", spec)[0] for spec in PROJECT["project"]["dependencies"])
    wanted = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in specs}
    found = set(re.findall(r"^(?:from|import) (\w+)", "\n".join(SOURCES.values()), re.MULTILINE))
    drivers = {driver.partition("+")[2] for _, driver in SCHEMES.values()}  # loaded by the URL of the store
    assert wanted - found - drivers == set()


def test_every_development_dependency_is_named():
    groups = PROJECT["dependency-groups"]
    names = [re.split(r"[<>=\[]", spec)[0] for group in groups.values() for spec in group if isinstance(spec, str)]
    assert [name for name in names if f"`{name}`" not in page("dependencies.md")] == []


def test_clients_that_are_said_to_be_tested_are_the_locked_ones():
    table = (ROOT / "README.md").read_text().split("## Tested with")[1].split("\n## ")[0]
    locked = dict(
        spec.split("==") for spec in PROJECT["dependency-groups"]["dev"] if isinstance(spec, str) and "==" in spec
    )
    assert f"| OpenAI Python SDK | {locked['openai']} |" in table
    assert f"| Anthropic Python SDK | {locked['anthropic']} |" in table
    for name in ("openai", "anthropic"):
        assert f"{name} {locked[name]}," in page(f"clients/python-{name}.md")


@pytest.mark.parametrize("path", PAGES_OF_OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", PAGES_OF_OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_settings_that_pages_name_exist(path):
    keys = {row.key for row in SETTINGS}
    tops = {name for name in section_titles() if "." not in name}
    named = re.findall(r"`((?:\w+\.)+\w+)`", path.read_text())
    wrong = [
        name
        for name in named
        if name.split(".")[0] in tops
        and name not in keys
        and not name.endswith((".md", ".py", ".toml", ".ai", ".html"))
        if not any(path.as_posix().endswith(f"/{name.replace('.', '/')}.py") for path in SOURCES)
    ]
    assert [name for name in wrong if not is_code(name)] == []


def is_code(name: str) -> bool:
    """Whether a dotted name is a module of ours, or something in one."""
    head, _, tail = name.rpartition(".")
    modules = [path for path in SOURCES if path.as_posix().endswith(f"/{head.replace('.', '/')}.py")]
    return any(tail in SOURCES[path] for path in modules)


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.key)
def test_H1_a_setting_has_an_effect_or_says_that_it_has_none(row):
    """Read somewhere outside `config/`, or in a rule of it; a reserved one nowhere."""
    *_, last, name = ("settings", *row.key.split("."))
    read = re.compile(rf"\b{last}\.{name}\b")
    readers = [path for path, text in SOURCES.items() if _reads(path, text, read)]
    assert bool(readers) != row.about.reserved, f"{row.key}: mark it reserved, or read it ({readers})"


def _reads(path: Path, text: str, pattern: re.Pattern[str]) -> bool:
    if path.name == "settings.py" or not pattern.search(text):
        return False
    attributes = {ast.unparse(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    strings = {
        node.slice.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    }
    return any(pattern.search(item) for item in attributes | strings)


def test_every_word_of_the_glossary_is_used_in_the_code():
    words = re.findall(r"^\| ([a-z]+) \|", page("glossary.md"), re.MULTILINE)[1:]
    everything = "\n".join(SOURCES.values()).lower()
    assert len(words) > 25
    assert words == sorted(words)
    assert [word for word in words if word not in everything] == []


@pytest.mark.parametrize("path", sorted((DOCS / "decisions").glob("0*.md")), ids=lambda path: path.stem)
def test_a_decision_is_one_screen_with_its_four_parts(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 40
    assert [part for part in ("Status", "Context", "Decision", "Consequences") if f"**{part}.**" not in text] == []
    assert path.name in page("decisions/README.md")


def test_what_was_tested_is_what_readme_says():
    assert (ROOT / "README.md").read_text() == clients_reference.page(), "run `make docs`"


async def test_every_route_is_documented(tmp_path):
    page = (DOCS / "endpoints.md").read_text(encoding="utf-8")
    async with rigged(tmp_path, accounts=()) as rig:
        paths = [path.replace(":path", "") for path in rig.app.face.known]
    assert len(paths) >= 10
    assert [path for path in paths if f"`{path}`" not in page and not path.startswith("/admin/api")] == []


async def test_every_job_is_documented(tmp_path):
    text = page("quotas.md")
    async with rigged(tmp_path, accounts=()) as rig:
        names = [row.name for row in rig.app.jobs.status()]
    assert len(names) >= 7
    assert [name for name in names if f"`{name}`" not in text] == []


@pytest.mark.parametrize("tier", LOWEST_FIRST)
def test_default_windows_are_documented(tier):
    windows, modes = DEFAULT_WINDOWS[tier], ("auto", "fast", "expert", "heavy", "grok43")
    totals = " | ".join(str(windows[mode].total) if mode in windows else "-" for mode in modes)
    hours, console = windows["fast"].window_sec // 3600, windows["console"]
    assert console.window_sec == 3600
    assert f"| {tier} | {totals} | {hours} hours | {console.total} an hour |" in page("quotas.md")


@pytest.mark.parametrize("source", Source)
def test_every_source_of_a_window_is_documented(source):
    assert f"| `{source}` |" in page("quotas.md")
