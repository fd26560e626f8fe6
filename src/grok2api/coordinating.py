"""Opening what ties this process to others: nothing, or Redis when `coordination.url` names one."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import import_module
from typing import cast

from grok2api.config.errors import SettingsError
from grok2api.config.settings import Settings
from grok2api.coordination.base import Away, Coordinator
from grok2api.coordination.local import Local
from grok2api.place import Place
from grok2api.storage.engine import Database
from grok2api.storage.installation import installation

#: Loaded only where it is needed: Redis' client is an eighth of an idle gateway's memory.
SHARED = ("grok2api.coordination.shared", "Shared")


async def coordinator_for(
    stack: AsyncExitStack,
    settings: Settings,
    database: Database,
    place: Place,
    new_id: Callable[[str], str],
    now: Callable[[], float],
) -> Coordinator:
    """The coordinator of this worker, closed with the stack. Raises `SettingsError` when it cannot be reached.

    A worker that is started again does without until it can: the others serve too.
    """
    url = settings.coordination.url
    if not url:
        return Local()
    prefix = f"grok2api:{settings.coordination.installation or await installation(database)}:"
    module, kind = SHARED
    shared = getattr(import_module(module), kind)(url, prefix, place.number, place.count, new_id, now)
    stack.push_async_callback(shared.close)
    try:
        await shared.begin()
    except Away as error:
        if not place.again:
            words = f"coordination.url: {error}; start it, or empty the setting to run one process without"
            raise SettingsError([words]) from None
    return cast("Coordinator", shared)
