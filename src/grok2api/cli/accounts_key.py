"""`grok2api accounts rotate-key`: another key for the store, in one go."""

import asyncio

from grok2api.cli.common import DEFAULT_DATA_DIR, CommandError, ConfigFile, DataDir, loaded
from grok2api.storage.errors import StoreError
from grok2api.storage.keys import FORMER_NAME, NEW_VARIABLE, VARIABLE
from grok2api.storage.rotation import rotate_key as rotate


def rotate_key(data_dir: DataDir = DEFAULT_DATA_DIR, config: ConfigFile = None) -> None:
    """Encrypt every credential with a new key. Afterwards every running gateway of this store is to be restarted."""
    url = loaded(data_dir, config).settings.storage.url
    try:
        done = asyncio.run(rotate(url, data_dir))
    except StoreError as error:
        raise CommandError(str(error)) from None
    print(f"{done.count} credentials are encrypted with a new key")
    if done.file is None:
        print(f"next: set {VARIABLE} to what {NEW_VARIABLE} holds, and start the gateways of this store again")
    else:
        print(f"the key is in {done.file}; {FORMER_NAME} beside it opens backups that are older than this")
        print("next: start the gateways of this store again, and back the new key up apart from the store")
