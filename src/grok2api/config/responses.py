"""Settings of responses that outlive the request for them: kept for clients who come back, or made in the background.

Part of the tree in `settings`.
"""

from typing import Annotated

from grok2api.config.about import About, Section


class Responses(Section, frozen=True, kw_only=True):
    """Responses and conversations that are kept. See [stored responses](stored-responses.md)."""

    store: Annotated[
        bool,
        About(
            "Keep answers of `/v1/responses` whose requests do not say `store: false`. When this is `false` nobody's "
            "are kept, and every response says so."
        ),
    ] = True
    store_days: Annotated[
        float, About("Days for which a response is kept after its conversation last went on; 0 is for ever.", low=0)
    ] = 30
    largest_mb: Annotated[
        int, About("Largest request, and largest response, that is kept, in MiB of JSON.", low=1, high=8)
    ] = 8
    total_mb: Annotated[
        int,
        About(
            "Most MiB of JSON to keep; when there is more, the oldest conversations go. 0 is no limit. In the "
            "database they take less, because they are compressed.",
            low=0,
        ),
    ] = 4096


class Background(Section, frozen=True, kw_only=True):
    """Answers of `/v1/responses` that are made in the background."""

    at_once: Annotated[
        int, About("Answers that a process makes at the same time; further ones wait.", low=1, high=1000)
    ] = 16
    waiting: Annotated[
        int, About("Answers that may wait in a process; what is more is answered by 429.", low=0, high=10000)
    ] = 64
    replay_hours: Annotated[
        float, About("Hours from its beginning on for which the stream of such an answer can be taken up again.", low=0)
    ] = 24
