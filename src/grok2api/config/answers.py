"""Settings of answers that outlive the request for them.

Part of the tree in `settings`.
"""

from typing import Annotated

from grok2api.config.about import About, Section


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
