"""What tells one installation from another where several share a server: the store's own id, and where the store is.

The id is made with the first question and stays in the store. A copy of the store has the same id, but it is another
file, or has another name on its server.
"""

import hashlib
from secrets import token_hex

from sqlalchemy import Connection, insert, select

from grok2api.storage.engine import Database
from grok2api.storage.tables import meta
from grok2api.storage.writing import locked

_NAME = "installation"


async def installation(database: Database) -> str:
    """Sixteen hexadecimal digits that are this installation's alone. Raises `StoreError`."""
    ident = await database.read(_known) or await database.write(_made)
    address = database.address
    if address.path is None:
        place = str(address.url.database)
    else:
        stat = address.path.stat()
        place = f"{stat.st_dev} {stat.st_ino}"
    return hashlib.sha256(f"{ident} {place}".encode()).hexdigest()[:16]


def _known(connection: Connection) -> str | None:
    return connection.scalar(select(meta.c.value).where(meta.c.name == _NAME))


def _made(connection: Connection) -> str:
    locked(connection)
    known = _known(connection)
    if known is not None:
        return known
    ident = token_hex(16)
    connection.execute(insert(meta).values(name=_NAME, value=ident))
    return ident
