"""Configuration changes, told to every other worker and put in force there (O2).

Workers of one machine share the file: it is looked at again. Those of other machines have files of their own: the same
change is made in theirs. A change travels sealed with the store's key, for it may hold secrets.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from grok2api.config.configured import Configured
from grok2api.config.errors import SettingsError
from grok2api.config.load import DEFAULT, DERIVED
from grok2api.config.table import BY_KEY, value_of
from grok2api.config.values import read
from grok2api.coordination.base import Coordinator, Refused, Spread
from grok2api.storage.errors import StoreError
from grok2api.storage.secrets import Vault

KIND = "config"

#: How long the answer to a change waits for the other workers.
WAIT_SEC = 2.0


class ConfigSpreader:
    """Both directions."""

    def __init__(self, configured: Configured, coordinator: Coordinator, vault: Vault) -> None:
        self._configured = configured
        self._coordinator = coordinator
        self._vault = vault
        coordinator.handle({KIND: self._hear})

    async def tell(self, changes: Mapping[str, Any]) -> Spread:
        """Have a change that is in force here put in force everywhere; `None` stands for a default."""
        message = self._vault.seal(msgspec.json.encode(changes).decode(), KIND)
        return await self._coordinator.spread(KIND, message, WAIT_SEC)

    async def _hear(self, message: bytes) -> None:
        try:
            changes: dict[str, Any] = msgspec.json.decode(self._vault.open(message, KIND))
        except (StoreError, msgspec.DecodeError):
            raise Refused("a worker has another secret key, or another version") from None
        await self._configured.look()
        missing = {key: raw for key, raw in changes.items() if not self._in_force(key, raw)}
        if not missing:
            return
        try:
            await self._configured.change(missing)
        except SettingsError as error:
            raise Refused("; ".join(error.problems)) from None
        lasting = [key for key, raw in missing.items() if not self._in_force(key, raw)]
        if lasting:
            raise Refused(f"{', '.join(lasting)}: something else is set by the environment or command line of a worker")

    def _in_force(self, key: str, raw: Any) -> bool:
        row = BY_KEY.get(key)
        if row is None:
            raise Refused(f"{key[:80]} is no setting of a worker's version")
        if raw is None:
            return self._configured.loaded.origins[key] in (DEFAULT, DERIVED)
        return bool(value_of(self._configured.live.current, key) == read(row, raw, written=False))
