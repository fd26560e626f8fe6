"""The shape of the code, kept by reading its imports: who may know whom, what stays pure, how long a file may get.

Nothing is imported to find out; the sources are parsed. The rules are tables, so a change of shape is a change here.
"""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
PACKAGE = "grok2api"
LONGEST = 450

#: No sockets, no files, no waiting, no clock: what a pure module may not import.
IMPURE = frozenset(
    """
    aiohttp asyncio concurrent http logging multiprocessing os secrets select signal socket sqlite3 ssl starlette
    structlog subprocess tempfile threading time typer urllib.request uuid uvicorn uvloop
    """.split()  # noqa: SIM905 - a list of words
)

#: Modules that a pure module may import for their types, and what it may not touch in them.
TOUCHES = {
    "random": frozenset(
        {"random", "choice", "choices", "shuffle", "sample", "randint", "uniform", "seed", "SystemRandom"}
    ),
    "datetime": frozenset({"now", "utcnow", "today"}),
}

#: Modules and packages without `await`, clock, randomness or I/O. A package includes everything below it.
PURE = (
    "canonical",
    "aliases",
    "catalog",
    "dialects",
    "gateway.options",
    "patterns",
    "media.addresses",
    "media.budget",
    "media.checks",
    "media.datauri",
    "media.names",
    "media.sniff",
    "tools",
    "upstreams",
    "accounts.model",
    "accounts.lifecycle",
    "accounts.resting",
    "accounts.quota",
    "accounts.options",
    "accounts.selection",
    "accounts.times",
    "accounts.lanes",
    "accounts.seating",
    "accounts.explain",
    "accounts.leases",
    "accounts.news",
    "accounts.query",
    "accounts.tags",
    "accounts.wheel",
    "accounts.wishes",
    "accounts.sticky",
    "accounts.importing",
    "accounts.editing",
    "accounts.exporting",
    "accounts.sharing",
    "admin.codes",
    "admin.filters",
    "admin.openapi",
    "admin.pools",
    "admin.reading",
    "admin.route",
    "admin.rows",
    "admin.table",
    "admin.tags",
    "config.about",
    "config.media",
    "config.masking",
    "config.responses",
    "config.settings",
    "config.table",
    "config.values",
    "recipes",
    "storage.filtering",
    "storage.rows",
    "options",
    "banner",
    "web.cors",
    "web.links",
    "web.paths",
    "web.ranges",
)

#: The asynchronous shell inside packages that are pure otherwise.
SHELL = (
    "*.adapter",
    "*_adapter",
    "*.access",
    "*.account_settings",
    "*.asking",
    "*.uploads",
    "*.users",
    "upstreams.*.quota",
)

#: What each part may import of the others; a part that is not listed here may not exist.
MAY_IMPORT = {
    "canonical": "",
    "catalog": "",
    "patterns": "",
    "pages": "",
    "aliases": "catalog patterns",
    "dialects": "canonical catalog media.datauri",
    "tools": "canonical catalog",
    "upstreams": "canonical catalog transport.tasks",
    "accounts": "canonical catalog pages upstreams.base upstreams.media transport.tasks",
    "gateway": "aliases canonical catalog patterns tools dialects accounts.leases media storage.errors upstreams.base "
    "upstreams.media transport.tasks",
    "media": "canonical transport.tasks",
    "transport": "canonical upstreams.base media.addresses",
    "coordination": "accounts transport.tasks",
    "place": "",
    "coordinating": "config coordination place storage",
    "spreading": "config coordination.base storage.errors storage.secrets",
    "supervisor": "observe place transport.tasks web.listening",
    "storage": "canonical catalog accounts transport.tasks",
    "intake": "accounts",
    "recipes": "catalog pages",
    "config": "aliases catalog pages patterns",
    "observe": "",
    "web": "canonical catalog dialects gateway media storage.errors transport.tasks",
    "admin": "canonical catalog dialects accounts config media observe pages web intake storage.errors transport.tasks",
    "administration": "*",
    "upkeep": "*",
    "background": "*",
    "making": "*",
    "storing": "*",
    "simulator": "canonical catalog pages transport.tasks",
    "cli": "*",
    "__main__": "cli",
    "app": "*",
    "reach": "*",
    "doctor": "*",
    "options": "*",
    "demo": "*",
    "banner": "config",
    "jobs": "storage.errors transport.tasks",
    "memory": "",
    "": "",
}


def _modules() -> dict[str, Path]:
    """Module name below the package (`web.answer`) -> file."""
    found = {}
    for path in sorted((SRC / PACKAGE).rglob("*.py")):
        parts = path.relative_to(SRC / PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def _imports(name: str) -> Iterator[tuple[str, int]]:
    """What a module imports, as full dotted names, with the line."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if whole.removeprefix(f"{PACKAGE}.") in MODULES else str(node.module)), node.lineno


def _ours(name: str) -> Iterator[tuple[str, int]]:
    """The modules of the project that a module imports, without the package's name."""
    for imported, line in _imports(name):
        if imported == PACKAGE or imported.startswith(f"{PACKAGE}."):
            yield imported.removeprefix(PACKAGE).removeprefix("."), line


def _is_pure(name: str) -> bool:
    if any(fnmatch(name, rule) for rule in SHELL):
        return False
    return any(name == rule or name.startswith(f"{rule}.") for rule in PURE)


def _within(name: str, parts: str) -> bool:
    return any(part == "*" or name == part or name.startswith(f"{part}.") for part in parts.split())


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_one_way(name):
    part = name.partition(".")[0]
    assert part in MAY_IMPORT, f"{part} is a new part: say in MAY_IMPORT what it may know"
    allowed = f"{MAY_IMPORT[part]} {part}"
    wrong = [f"{name}:{line} imports {other}" for other, line in _ours(name) if other and not _within(other, allowed)]
    assert wrong == []


@pytest.mark.parametrize("name", [name for name in MODULES if _is_pure(name)])
def test_pure_modules_reach_for_nothing(name):
    wrong = [
        f"{name}:{line} imports {imported}"
        for imported, line in _imports(name)
        if imported in IMPURE or imported.partition(".")[0] in IMPURE
    ]
    touched = [
        f"{name}:{node.lineno} uses {node.value.id}.{node.attr}"
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.attr in TOUCHES.get(node.value.id, ())
    ]
    waits = [
        node.lineno for node in ast.walk(TREES[name]) if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
    assert (wrong, touched, waits) == ([], [], [])


@pytest.mark.parametrize("name", MODULES)
def test_imports_stand_at_the_top(name):
    inside = [
        f"{name}:{node.lineno}"
        for scope in ast.walk(TREES[name])
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in ast.walk(scope)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


def test_imports_make_no_circle():
    done: set[str] = set()

    def follow(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' -> '.join((*path[path.index(name) :], name))}"
        if name in done:
            return
        for other, _ in _ours(name):
            if other in MODULES and other:
                follow(other, (*path, name))
        done.add(name)

    for name in MODULES:
        follow(name, ())


@pytest.mark.parametrize("name", MODULES)
def test_files_stay_short(name):
    lines = len(MODULES[name].read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{name} has {lines} lines: it is two files"


@pytest.mark.parametrize("name", [name for name in MODULES if name])
def test_every_module_says_what_it_is(name):
    assert ast.get_docstring(TREES[name]), f"{name} has no docstring"


@pytest.mark.parametrize("rule", PURE)
def test_what_is_named_pure_exists(rule):
    assert any(_is_pure(name) and (name == rule or name.startswith(f"{rule}.")) for name in MODULES)
