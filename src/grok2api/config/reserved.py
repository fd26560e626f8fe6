"""Sections that this version knows and checks but has no use for yet.

Configurations of older and newer programs name them, so they are accepted; a start says which of them were set in vain.
A section moves to `settings` in the change that gives it an effect.
"""

from typing import Annotated

from grok2api.config.about import About, Section


class Batch(Section, frozen=True, kw_only=True):
    """Work over many accounts."""

    nsfw_concurrency: Annotated[int, About("Accounts at the same time.", low=1, reserved=True)] = 50
    refresh_concurrency: Annotated[int, About("Accounts at the same time.", low=1, reserved=True)] = 50
    asset_list_concurrency: Annotated[int, About("Lists at the same time.", low=1, reserved=True)] = 50
    asset_delete_concurrency: Annotated[int, About("Deletions at the same time.", low=1, reserved=True)] = 50
    asset_upload_concurrency: Annotated[int, About("Uploads at the same time.", low=1, high=1000)] = 10


class Coordination(Section, frozen=True, kw_only=True):
    """Several processes."""

    url: Annotated[str, About("Redis for several processes.", secret=True, restart=True, reserved=True)] = ""


class Responses(Section, frozen=True, kw_only=True):
    """Stored responses."""

    store_days: Annotated[float, About("How long responses are kept.", low=0, reserved=True)] = 30
