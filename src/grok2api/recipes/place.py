"""Where the gateway is and which key goes there: from what was given, the environment and the settings. Pure.

A key of the settings goes to the gateway of the settings and to this machine, and to no other address: whoever runs a
gateway elsewhere has no business with it.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from grok2api.recipes.recipe import KEY_VARIABLE

URL_VARIABLE = "GROK2API_URL"

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Place(msgspec.Struct, frozen=True):
    """The gateway's root without a slash at its end, the key for it (empty: none), and in words where that is from."""

    url: str
    key: str = ""
    source: str = ""

    def __repr__(self) -> str:
        return f"Place({self.url})"

    @property
    def near(self) -> bool:
        """Whether it is on this machine."""
        return host(self.url) in _LOOPBACK


def place(
    given: Mapping[str, str], environ: Mapping[str, str], own_urls: Sequence[str], keys: Sequence[str], origin: str
) -> Place:
    """Where to go and with what. `given` has the options `--url` and `--key`, as far as they were given.

    own_urls: the addresses of the gateway of the settings, the one to take first; keys: its keys; origin: the layer
    that they come from. Raises `ValueError` with what is wrong with the URL or the key.
    """
    asked = given.get("--url") or environ.get(URL_VARIABLE, "")
    own = [root(url) for url in own_urls]
    url = root(asked) if asked else own[0]
    for key, source in ((given.get("--key", ""), "--key"), (environ.get(KEY_VARIABLE, ""), KEY_VARIABLE)):
        if key:
            return Place(url, _sendable(key, source), source)
    if keys and (url in own or host(url) in _LOOPBACK):
        return Place(url, keys[0], f"app.api_key ({origin})")
    return Place(url)


def root(url: str) -> str:
    """The root of a gateway, however its address was written: with a slash or `/v1` at its end. Raises `ValueError`."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        raise ValueError(f"{url!r} is not an address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an address; write it as http://127.0.0.1:8000")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("the address of the gateway has a user, a query or a fragment; leave them out")
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _sendable(key: str, source: str) -> str:
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError(f"the key of {source} has characters that no key has")
    return key


def host(url: str) -> str:
    """The machine of an address, as a list of exceptions from proxies names it: without port and brackets."""
    return urlsplit(url).hostname or ""
