"""What the gateway remembers for itself: when a job last ran, and the like. The operator's settings are elsewhere."""

from sqlalchemy import Connection, insert, select, update

from grok2api.storage.engine import Database
from grok2api.storage.tables import settings


class Remembered:
    """Texts by name. Every method raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, str]:
        """Everything that is remembered."""
        query = select(settings.c.name, settings.c.value)
        return await self._database.read(lambda connection: dict(connection.execute(query).all()))

    async def put(self, name: str, value: str, now: float) -> None:
        """Remember `value` by `name`, instead of what was remembered by it."""
        await self._database.write(lambda connection: _put(connection, name, value, now))


def _put(connection: Connection, name: str, value: str, now: float) -> None:
    changed = {"value": value, "updated_at": now}
    mine = settings.c.name == name
    if connection.scalar(select(settings.c.name).where(mine).with_for_update()) is None:
        connection.execute(insert(settings).values(name=name, **changed))
    else:
        connection.execute(update(settings).where(mine).values(**changed))
