"""Settings of pictures, films and files: how they are made, fetched, kept and sent.

Part of the tree in `settings`.
"""

from typing import Annotated

from grok2api.config.about import About, Section


class Image(Section, frozen=True, kw_only=True):
    """Making pictures."""

    timeout: Annotated[float, About("Seconds for a picture, or for one round of several.", low=1, high=3600)] = 60
    stream_timeout: Annotated[
        float, About("How long grok.com may be silent while it draws, in seconds.", low=1, high=3600)
    ] = 60


class Video(Section, frozen=True, kw_only=True):
    """Making films."""

    timeout: Annotated[float, About("Seconds for a whole film.", low=1, high=86400)] = 600
    at_once: Annotated[
        int, About("Films that are made at the same time; further ones wait in the queue.", low=1, high=1000)
    ] = 8
    keep_days: Annotated[
        float, About("Days for which a film and its file are kept once it is over; 0 is for ever.", low=0)
    ] = 30


class Asset(Section, frozen=True, kw_only=True):
    """Files of an account at grok.com. All times are in seconds."""

    upload_timeout: Annotated[float, About("For an upload.", low=1, high=3600)] = 60
    download_timeout: Annotated[float, About("For a download.", low=1, high=3600)] = 60
    list_timeout: Annotated[float, About("For a page of a list.", low=1, high=3600)] = 60
    delete_timeout: Annotated[float, About("For a deletion.", low=1, high=3600)] = 60


class UrlFetch(Section, frozen=True, kw_only=True):
    """Fetching the pictures and files that a request points to."""

    allow_private: Annotated[
        bool, About("Fetch from loopback and private networks too. Every client can then reach what this machine can.")
    ] = False
    max_mb: Annotated[int, About("Largest file to fetch, in MiB.", low=1, high=1024)] = 32
    timeout_sec: Annotated[float, About("Seconds for one file, redirects included.", low=0.1, high=600)] = 30


class Media(Section, frozen=True, kw_only=True):
    """Media in requests."""

    url_fetch: UrlFetch = UrlFetch()


class LocalCache(Section, frozen=True, kw_only=True):
    """Pictures and films that the gateway keeps and serves. When there are too many, the oldest go."""

    image_max_mb: Annotated[int, About("Most MiB of pictures to keep; 0 is no limit.", low=0)] = 0
    video_max_mb: Annotated[int, About("Most MiB of films to keep; 0 is no limit.", low=0)] = 0


class Cache(Section, frozen=True, kw_only=True):
    """Stored media."""

    local: LocalCache = LocalCache()
