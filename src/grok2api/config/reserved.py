"""Sections that this version knows and checks but has no use for yet.

Configurations of older and newer programs name them, so they are accepted; a start says which of them were set in vain.
A section moves to `settings` in the change that gives it an effect.
"""

from typing import Annotated

from grok2api.config.about import About, Section


class Responses(Section, frozen=True, kw_only=True):
    """Stored responses."""

    store_days: Annotated[float, About("How long responses are kept.", low=0, reserved=True)] = 30
