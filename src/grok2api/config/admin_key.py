"""The key of the admin API: the configured one, or a random one kept in the data directory.

There is no default key. Who starts the gateway for the first time is told the key once; afterwards it is read from
`admin.key`, which only the owner of the data directory can open.
"""

import os
import secrets
from pathlib import Path

from grok2api.config.errors import SettingsError
from grok2api.config.settings import Settings

FILE_NAME = "admin.key"
_BYTES = 24


def ensure_admin_key(settings: Settings, data_dir: Path) -> tuple[str, bool]:
    """The admin key, and whether it was made just now. Raises `SettingsError` when it cannot be kept."""
    if settings.app.app_key:
        return settings.app.app_key, False
    path = data_dir / FILE_NAME
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _made(path) or _kept(path)
    except OSError as error:
        raise SettingsError(
            [f"{path} cannot be used for the admin key: {error.strerror}; set app.app_key or choose another --data-dir"]
        ) from None


def _made(path: Path) -> tuple[str, bool] | None:
    key = secrets.token_urlsafe(_BYTES)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key + "\n")
    return key, True


def _kept(path: Path) -> tuple[str, bool]:
    key = path.read_bytes().decode("ascii", "replace").strip()
    if len(key) < 16 or not key.isascii() or not key.isprintable():
        raise SettingsError([f"{path} holds no usable key; delete it and a new one is made"])
    path.chmod(0o600)
    return key, False
