"""What differs between the databases: one module each, loaded when a URL names it."""

from importlib import import_module

from grok2api.storage.engines.base import Engine

#: Engine of an address -> where its row is. The drivers are loaded with these modules, or later by SQLAlchemy.
_ROWS = {
    "sqlite": ("grok2api.storage.engines.sqlite", "SQLITE"),
    "postgresql": ("grok2api.storage.engines.postgresql", "POSTGRESQL"),
    "mariadb": ("grok2api.storage.engines.mariadb", "MARIADB"),
}


def engine_of(name: str) -> Engine:
    """The row of an engine."""
    module, row = _ROWS[name]
    found: Engine = getattr(import_module(module), row)
    return found
