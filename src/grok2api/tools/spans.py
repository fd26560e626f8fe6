"""Citations over a text from which pieces are taken away: which still hold, and where they point now."""

import msgspec

from grok2api.canonical.events import Cited


class Spans:
    """Counts what was told of the answer's text, and moves citations by what was removed before them.

    told: characters decided on so far, shown or removed.
    """

    __slots__ = ("_removed", "_waiting", "told")

    def __init__(self) -> None:
        self.told = 0
        self._removed: list[tuple[int, int]] = []
        self._waiting: list[Cited] = []

    def remove(self, length: int) -> None:
        """The next `length` characters are not shown."""
        if length:
            self._removed.append((self.told, self.told + length))
            self.told += length

    def cite(self, cited: Cited) -> None:
        """Keep a citation, whose offsets count the text as the upstream told it, until its text was decided on."""
        self._waiting.append(cited)

    def ready(self, *, all_of_them: bool = False) -> list[Cited]:
        """The citations whose text has been shown, with their offsets in the shown text."""
        if not self._waiting:
            return []
        due = [cited for cited in self._waiting if all_of_them or cited.end <= self.told]
        self._waiting = [cited for cited in self._waiting if cited not in due]
        return [moved for cited in due if (moved := self._moved(cited)) is not None]

    def _moved(self, cited: Cited) -> Cited | None:
        shift = 0
        for start, end in self._removed:
            if end <= cited.start:
                shift += end - start
            elif start < cited.end:
                return None
        return msgspec.structs.replace(cited, start=cited.start - shift, end=cited.end - shift)
