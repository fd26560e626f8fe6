"""What streams of responses have sent, piece by piece: statements that `storage.responses` uses in its transactions."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, delete, func, insert, select

from grok2api.canonical.recorded import Piece
from grok2api.canonical.stored import OVER
from grok2api.storage.tables import response_frames, responses


def write(connection: Connection, pieces: Mapping[str, Sequence[Piece]]) -> None:
    """Keep pieces by the ids of their responses. Of one that was deleted meanwhile nothing is kept."""
    wanted = [ident for ident, some in pieces.items() if some]
    known = connection.scalars(select(responses.c.id).where(responses.c.id.in_(wanted))).all() if wanted else []
    rows = [
        {"response": ident, "first": piece.first, "frames": piece.data, "size": len(piece.data)}
        for ident in known
        for piece in pieces[ident]
    ]
    if rows:
        connection.execute(insert(response_frames), rows)


def read(connection: Connection, ident: str, place: int, most: int) -> list[tuple[int, bytes]]:
    """At most `most` pieces, in order, of which the first holds the frame at `place`, or is behind it."""
    table = response_frames
    begins = select(func.max(table.c.first)).where(table.c.response == ident, table.c.first <= place)
    first = connection.scalar(begins)
    wanted = and_(table.c.response == ident, table.c.first >= (place if first is None else first))
    query = select(table.c.first, table.c.frames).where(wanted).order_by(table.c.first).limit(most)
    return [(row.first, row.frames) for row in connection.execute(query)]


def expire(connection: Connection, before: float, most: int) -> int:
    """Forget the streams of at most `most` responses that began before then and are over; how many there were."""
    old = and_(responses.c.created_at < before, responses.c.status.in_(sorted(OVER)))
    some = select(response_frames.c.response).where(response_frames.c.response == responses.c.id)
    found = connection.scalars(select(responses.c.id).where(old, some.exists()).limit(most)).all()
    if found:
        connection.execute(delete(response_frames).where(response_frames.c.response.in_(found)))
    return len(found)
