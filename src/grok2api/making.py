"""What makes, keeps and gives out pictures and films.

Put together here from the running gateway's settings and clients; `app` holds the result.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from grok2api import options
from grok2api.accounts.pool import AccountPool
from grok2api.catalog import Surface
from grok2api.config.live import Live
from grok2api.gateway.exchange import Gateway
from grok2api.gateway.filming import Crew, Filming
from grok2api.gateway.films import BEAT_SEC, EXPIRE_SEC, LOOK_SEC, Films
from grok2api.gateway.keeping import Keeping
from grok2api.gateway.screening import Screening
from grok2api.gateway.sketching import Tools
from grok2api.gateway.studio import Studio
from grok2api.gateway.tokens import count
from grok2api.gateway.watch import Watch
from grok2api.jobs import Job
from grok2api.media.attaching import Attaching
from grok2api.media.budget import Budget
from grok2api.media.films import FilmCache
from grok2api.media.index import from_directory
from grok2api.media.ordered import OrderedPictures
from grok2api.media.store import MediaStore
from grok2api.media.thumbnails import Thumbnails
from grok2api.reach import resource_client
from grok2api.storage.engine import Database
from grok2api.storage.errors import StoreError
from grok2api.storage.videos import VideoStore
from grok2api.transport.fetch import Fetcher
from grok2api.upstreams.base import Http, Sockets
from grok2api.upstreams.grok_web.files_adapter import GrokFiles
from grok2api.upstreams.grok_web.media_adapter import GrokMedia
from grok2api.upstreams.grok_web.uploads import Uploads
from grok2api.upstreams.grok_web.users import Users
from grok2api.web.media_files import StoredFiles
from grok2api.web.options import State


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """The parts. files, uploads, users: of accounts at grok.com. media: the cache; stored: gives it to clients."""

    files: GrokFiles
    uploads: Uploads
    users: Users
    media: MediaStore
    cache: FilmCache
    stored: StoredFiles
    budget: Budget
    attaching: Attaching
    keeping: Keeping
    filming: Filming
    studio: Studio
    screening: Screening


async def making(
    stack: AsyncExitStack,
    live: Live,
    data_dir: Path,
    http: Http,
    sockets: Sockets,
    pool: AccountPool,
    watch: Watch,
    now: Callable[[], float],
    new_uuid: Callable[[], str],
) -> Making:
    """All of it. Raises `StoreError` when the media folder cannot be used."""
    resources = resource_client(lambda: live.current)
    await resources.start()
    stack.push_async_callback(resources.close)
    budget = Budget(lambda: options.large_bodies(live.current))
    web = options.kept(options.grok_web, lambda: live.current)
    chosen = options.kept(options.gateway, lambda: live.current)
    users = Users(http)
    files = GrokFiles(http, users, web, new_uuid)
    uploads = Uploads(files, now)
    media = await _media(live, data_dir, now)
    thumbnails = Thumbnails(media)
    cache = FilmCache(media, thumbnails)
    keeping = Keeping(files, media, lambda: options.shown(live.current))
    maker = GrokMedia(http, sockets, users, web, now, new_uuid)
    tools = Tools(maker=maker, references=uploads, keeper=keeping, pool=pool, watch=watch)
    filming = Filming(pool, Crew(maker, files, uploads, cache), lambda: chosen().policy, watch)
    return Making(
        files=files,
        uploads=uploads,
        users=users,
        media=media,
        cache=cache,
        stored=StoredFiles(media, thumbnails),
        budget=budget,
        attaching=Attaching(Fetcher(resources, lambda: options.fetching(live.current)), budget),
        keeping=keeping,
        filming=filming,
        studio=Studio(tools, keeping, lambda: chosen().policy, count),
        screening=Screening(filming, lambda: live.current.features.video_format, count),
    )


async def _media(live: Live, data_dir: Path, now: Callable[[], float]) -> MediaStore:
    """The media cache, as it lies in the data directory."""
    root = data_dir / "media"
    store = MediaStore(root, await from_directory(root), lambda: options.media_store(live.current), now)
    try:
        await store.start()
    except OSError as error:
        raise StoreError(f"the media folder {root} cannot be used: {error.strerror}") from None
    return store


def films_of(
    parts: Making,
    gateway: Gateway,
    database: Database,
    live: Live,
    data_dir: Path,
    state: State,
    now: Callable[[], float],
    holder: str,
) -> Films:
    """The orders of films; `holder` names this process."""
    return Films(
        VideoStore(database),
        parts.filming,
        OrderedPictures(data_dir / "ordered"),
        parts.cache.forget,
        lambda name: gateway.models.find_maker(name, Surface.VIDEO),
        options.kept(options.films, lambda: live.current),
        now,
        holder,
        state,
    )


def film_jobs(films: Films) -> tuple[Job, ...]:
    """The periodic work of films."""
    return (
        Job(name="film-take", help="Begins with films that wait.", every=lambda: LOOK_SEC, work=films.take),
        Job(
            name="film-hold",
            help="Writes how far films have come, and that they are still worked on.",
            every=lambda: BEAT_SEC,
            work=films.beat,
        ),
        Job(
            name="film-expire",
            help="Forgets films that have been over for long enough.",
            every=lambda: EXPIRE_SEC,
            work=films.expire,
        ),
    )
