"""Where the store is: a URL, read once and made into what the engines need.

An `Address` can be shown: its name and its `repr` hold no password and none of the URL's options.
"""

from pathlib import Path

import msgspec
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from grok2api.storage.errors import StoreError

DEFAULT_NAME = "grok2api.db"

#: Scheme of a URL -> the engine that it means, and the scheme by which SQLAlchemy finds the driver.
SCHEMES = {
    "sqlite": ("sqlite", "sqlite"),
    "postgresql": ("postgresql", "postgresql+psycopg"),
    "mysql": ("mariadb", "mysql+pymysql"),
    "mariadb": ("mariadb", "mysql+pymysql"),
}


class Address(msgspec.Struct, frozen=True):
    """A database. engine: `sqlite`, `postgresql` or `mariadb`. name: what messages call it. path: SQLite's file.

    given: the URL as it was given; `address_of` makes the same address of it again.
    """

    engine: str
    url: URL
    name: str
    given: str
    path: Path | None = None

    def __repr__(self) -> str:
        return f"Address({self.name})"


def address_of(url: str, data_dir: Path) -> Address:
    """The database that a store URL means; an empty one is a file in `data_dir`. Raises `StoreError`."""
    if not url:
        return _file(URL.create("sqlite", database=str(data_dir / DEFAULT_NAME)))
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError("storage.url is not a URL; it looks like sqlite:///path/to/grok2api.db.") from None
    found = SCHEMES.get(parsed.drivername)
    if found is None:
        raise StoreError(f"storage.url must begin with one of {', '.join(f'{name}://' for name in SCHEMES)}.")
    engine, driver = found
    if engine == "sqlite":
        return _file(parsed)
    if not parsed.database:
        raise StoreError(f"storage.url must name a database, as in {parsed.drivername}://user@host/grok2api.")
    return Address(engine, parsed.set(drivername=driver), _name(parsed), url)


def _file(url: URL) -> Address:
    if not url.database or url.database == ":memory:":
        raise StoreError("storage.url must name a file, as in sqlite:///path/to/grok2api.db.")
    return Address("sqlite", url, url.database, url.render_as_string(hide_password=False), Path(url.database))


def _name(url: URL) -> str:
    """The URL without its password and its options, which may hold one too."""
    return URL.create(url.drivername, url.username, None, url.host, url.port, url.database).render_as_string()
