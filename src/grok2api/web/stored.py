"""How an answer route uses what is stored: requests are read with their history, answers are kept on their way out."""

from collections.abc import Callable

from grok2api.dialects.base import Settled
from grok2api.dialects.openai_responses.decode import Decode
from grok2api.gateway.exchange import Exchange
from grok2api.gateway.recalling import Note, Recall, Turn
from grok2api.gateway.shelf import Kept
from grok2api.media.budget import Share
from grok2api.web.asgi import Headers
from grok2api.web.auth import owner
from grok2api.web.options import WebOptions


class Keeping:
    """The keeping of one answer. `kept` is set once the answer has come to its end."""

    def __init__(self, recall: Recall, note: Note, exchange: Exchange, created: float) -> None:
        self._recall = recall
        self._note = note
        self._exchange = exchange
        self._created = created
        self.kept: Kept | None = None

    def settle(self, settled: Settled) -> None:
        """Take the answer, with the account that gave it."""
        attempts = self._exchange.report.attempts
        account = attempts[-1].account if attempts else None
        self.kept = self._recall.settle(self._note, account, self._created, settled)

    async def written(self) -> None:
        """Before the client is told the end: other processes may be asked for this next."""
        if self.kept is not None:
            await self._recall.written(self.kept)


class StoredAnswers:
    """Reads and keeps for a route. `fingerprint` turns a client's key into what may be written down.

    decode: how the requests of a route are read whose answers are not kept.
    """

    def __init__(self, recall: Recall, fingerprint: Callable[[str], str], decode: Decode | None = None) -> None:
        self._recall = recall
        self._fingerprint = fingerprint
        self._decode = decode

    async def read(self, body: bytes, headers: Headers, options: WebOptions, share: Share) -> Turn:
        """The request with its history. Raises `Refusal` and `StoreError`."""
        who = owner(headers, options.keys, self._fingerprint)
        if self._decode is None:
            return await self._recall.read(body, headers, who, share)
        return Turn(await self._recall.history(body, headers, who, share, self._decode), None)

    def keeping(self, turn: Turn, exchange: Exchange, created: float) -> Keeping | None:
        """What keeps the answer to this request; None when nobody wants that."""
        return None if turn.note is None else Keeping(self._recall, turn.note, exchange, created)
