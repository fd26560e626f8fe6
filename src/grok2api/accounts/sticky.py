"""Which account a conversation used last: a preference, never a queue (P8).

Pure, bounded: the least recently used conversations are forgotten first, all of them after their time.
"""

from collections import OrderedDict

_LIMIT = 10_000


class Sticky:
    """Conversation key to account id."""

    __slots__ = ("_known", "_limit")

    def __init__(self, limit: int = _LIMIT) -> None:
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._limit = limit

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: str, now: float) -> str | None:
        """The account this conversation used, unless that is too long ago."""
        known = self._known.get(key)
        if known is None:
            return None
        if known[1] <= now:
            del self._known[key]
            return None
        return known[0]

    def held_by(self, account_id: str, now: float) -> int:
        """How many conversations prefer this account. Goes through all of them: for people, not for requests."""
        return sum(ident == account_id and until > now for ident, until in self._known.values())

    def keep(self, key: str, account_id: str, until: float) -> None:
        """Remember that the conversation used this account, until then."""
        self._known[key] = (account_id, until)
        self._known.move_to_end(key)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def drop(self, key: str, account_id: str) -> None:
        """Forget it, if this is still the account that the conversation uses."""
        known = self._known.get(key)
        if known is not None and known[0] == account_id:
            del self._known[key]
