"""The one error of sources."""

import re

_PASSWORD = re.compile(r"(?<=://)\S*@")


class SourceError(Exception):
    """A source cannot be read; the message is one line that names it and says what to do. Holds no secrets."""


def shown(source: str) -> str:
    """The name of a source without the user and password that a URL may hold."""
    return _PASSWORD.sub("***@", source).partition("?")[0]
