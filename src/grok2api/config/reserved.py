"""Sections that this version knows and checks but has no use for yet.

Configurations of older and newer programs name them, so they are accepted; a start says which of them were set in vain.
A section moves to `settings` in the change that gives it an effect.
"""

from typing import Annotated

from grok2api.config.about import About, Section


class LocalCache(Section, frozen=True, kw_only=True):
    """Stored media."""

    image_max_mb: Annotated[int, About("Most MiB of pictures to keep; 0 is no limit.", low=0, reserved=True)] = 0
    video_max_mb: Annotated[int, About("Most MiB of films to keep; 0 is no limit.", low=0, reserved=True)] = 0


class Cache(Section, frozen=True, kw_only=True):
    """Stored media."""

    local: LocalCache = LocalCache()


class Image(Section, frozen=True, kw_only=True):
    """Making pictures."""

    timeout: Annotated[float, About("Seconds for a picture.", low=1, reserved=True)] = 60
    stream_timeout: Annotated[float, About("Seconds of silence in a picture's stream.", low=1, reserved=True)] = 60


class Video(Section, frozen=True, kw_only=True):
    """Making films."""

    timeout: Annotated[float, About("Seconds for a film.", low=1, reserved=True)] = 600


class Asset(Section, frozen=True, kw_only=True):
    """Files of an account at grok.com."""

    upload_timeout: Annotated[float, About("Seconds for an upload.", low=1, reserved=True)] = 60
    download_timeout: Annotated[float, About("Seconds for a download.", low=1, reserved=True)] = 60
    list_timeout: Annotated[float, About("Seconds for a list.", low=1, reserved=True)] = 60
    delete_timeout: Annotated[float, About("Seconds for a deletion.", low=1, reserved=True)] = 60


class Coordination(Section, frozen=True, kw_only=True):
    """Several processes."""

    url: Annotated[str, About("Redis for several processes.", secret=True, restart=True, reserved=True)] = ""


class UrlFetch(Section, frozen=True, kw_only=True):
    """Fetching what a request points to."""

    allow_private: Annotated[bool, About("Fetch from private addresses.", reserved=True)] = False


class Media(Section, frozen=True, kw_only=True):
    """Media in requests."""

    url_fetch: UrlFetch = UrlFetch()


class Responses(Section, frozen=True, kw_only=True):
    """Stored responses."""

    store_days: Annotated[float, About("How long responses are kept.", low=0, reserved=True)] = 30
