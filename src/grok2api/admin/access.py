"""Who may use the admin API: whoever presents the admin key, in a header or in the query string.

There is always a key: the configured one, or the one that was made and is kept in the data directory. Keys of clients
mean nothing here. What was presented is compared in constant time and repeated nowhere.
"""

import hmac
from collections.abc import Mapping
from pathlib import Path

from grok2api.admin.codes import refuse
from grok2api.admin.reading import KEY_PARAMETER
from grok2api.config.admin_key import ensure_admin_key
from grok2api.config.settings import Settings
from grok2api.observe.secrets import secrets


class AdminKey:
    """The key in force. `follow` is for changes of the settings."""

    def __init__(self, settings: Settings, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.follow(settings)

    def follow(self, settings: Settings) -> None:
        """Take the key of these settings from now on. Raises `SettingsError` when one cannot be kept."""
        key, _ = ensure_admin_key(settings, self._data_dir)
        secrets.register(key)
        self._key = key.encode()

    def check(self, headers: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        """Let the admin pass. Raises `Refusal` for everybody else."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        presented = value.strip() if scheme.lower() == "bearer" else ""
        presented = presented or parameters.get(KEY_PARAMETER, "")
        if not presented:
            raise refuse(
                "invalid_api_key",
                "The admin key is needed: send it as 'Authorization: Bearer KEY' or as ?app_key=KEY",
            )
        if not hmac.compare_digest(presented.encode("utf-8", "surrogatepass"), self._key):
            raise refuse("invalid_api_key", "The admin key is not valid")

    def __repr__(self) -> str:
        return "AdminKey(…)"
