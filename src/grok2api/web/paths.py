"""Which path a wrong one was meant to be: a doubled or missing `/v1`, a base URL too many, a slash too many (C9).

Pure. Clients put their own paths behind the base URL that people configure, and other products have other bases: what
is at the end of a path says what was meant.
"""

import re
from collections.abc import Collection, Iterator, Sequence

#: More parts than any path of ours has; the rest of a long path cannot be meant.
_MOST_PARTS = 12


class Paths:
    """The paths that there are: `exact` ones, and `shapes` with parameters in them."""

    def __init__(self, exact: Collection[str], shapes: Sequence[re.Pattern[str]]) -> None:
        self._exact = frozenset(exact)
        self._shapes = shapes

    def meant(self, path: str) -> str | None:
        """The path that was meant, if there is one; it is another than `path`."""
        guesses = [guess for guess in _guesses(path) if guess != path]
        exact = (guess for guess in guesses if guess in self._exact)
        shaped = (guess for guess in guesses if any(shape.fullmatch(guess) for shape in self._shapes))
        return next(exact, None) or next(shaped, None)


def _guesses(path: str) -> Iterator[str]:
    """Ends of the path, the longest first, below `/v1` and at the root."""
    parts = [part for part in path.split("/") if part]
    if len(parts) > _MOST_PARTS:
        return
    for start in range(len(parts)):
        end = "/".join(parts[start:])
        yield f"/v1/{end}"
        yield f"/{end}"
