"""Edits and films on grok.com: conversations that name a media model instead of a mode.

Checks what the real host would have to: that references, posts and films are the account's own, that lengths and
shapes are known ones, and that a longer film goes on exactly where the one before it ended. Both forms of a request
are taken: the older one with media posts, and the newer one with `mediaGenInput`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from grok2api.simulator import render_media, render_web
from grok2api.simulator.accounts import SimAccount
from grok2api.simulator.answering import Wire, check_state, decide, deliver
from grok2api.simulator.credentials import grpc_error
from grok2api.simulator.delivery import Delivery
from grok2api.simulator.holdings import FORMS, Film, Kept
from grok2api.simulator.journal import Entry
from grok2api.simulator.reading import Asked
from grok2api.simulator.render import Ids
from grok2api.simulator.render_media import MediaAsked, film_id
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.script import Film as FilmStep
from grok2api.simulator.script import Picture, Script
from grok2api.simulator.world import World

WIRE = Wire("media", render_media.render, render_web.error, "application/json")

_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "2:1", "1:2", "auto")
_RESOLUTIONS = ("480p", "720p")
_FRAME = 1 / 24
_MOST_REFERENCES = 8

Body = Mapping[str, Any]


def keep_pictures(world: World, account: SimAccount, script: Script, ids: Ids, *, public: bool = False) -> None:
    """The account keeps what the script draws for it; `public` results are on the public host too."""
    for nth, step in enumerate(script.pictures):
        if step.comes:
            ident, name = ids.picture(nth, step), f"image.{step.form}"
            _keep(world, account, ident, ids.path(ident, name), name, FORMS[step.form])
            if public:
                world.holdings.share(ident, ident)


def _keep(world: World, account: SimAccount, ident: str, path: str, name: str, mime: str) -> None:
    world.holdings.keep(Kept(id=ident, owner=account.token, path=path, name=name, mime=mime, at=world.now()))


def make(world: World, entry: Entry, account: SimAccount, body: Body) -> Delivery:
    """The answer to a conversation whose `modelName` is one of `MODELS`."""
    entry.endpoint, maker = MODELS[body["modelName"]]
    prompt = body.get("message", "")
    if not prompt.strip():
        raise grpc_error(400, 3, "The message is empty.")
    return maker(world, entry, account, body)


def _edit(world: World, entry: Entry, account: SimAccount, body: Body) -> Delivery:
    given = _inside(body, "mediaGenInput", "imageToImage")
    if given:
        sources, count = _list(given, "inputAssets"), 1
        _check_ratio(given.get("aspectRatio", "1:1"))
        own = all(world.holdings.owns(account.token, str(source)) for source in sources)
    else:
        given = _config(body, "imageEditModelConfig")
        sources, count = _list(given, "imageReferences"), body.get("imageGenerationCount", 2)
        own = all(world.holdings.owns_at(account.token, str(source)) for source in sources)
        _check_post(world, account, given.get("parentPostId"))
    if not 0 < len(sources) <= _MOST_REFERENCES:
        raise grpc_error(400, 3, "An edit needs one to eight pictures.")
    if not own:
        raise grpc_error(404, 5, "A picture was not found.")
    script = Script(steps=(Picture(progress=(25, 60, 100)),) * count)
    asked = MediaAsked(body["message"])
    return _answered(world, entry, account, asked, script, keep_pictures)


def _film(world: World, entry: Entry, account: SimAccount, body: Body) -> Delivery:
    newer = body.get("mediaGenInput")
    seconds = _newer_film(world, account, newer) if newer else _older_film(world, entry, account, body)
    given = next(iter(newer.values())) if newer else _config(body, "videoGenModelConfig")
    _check_ratio(given.get("aspectRatio"))
    if given.get("resolutionName") not in _RESOLUTIONS:
        raise grpc_error(400, 3, "Unknown resolutionName.")

    def keep(world: World, account: SimAccount, script: Script, ids: Ids) -> None:
        if script.film is not None and script.film.comes:
            ident, name = film_id(ids), "generated_video.mp4"
            _keep(world, account, ident, ids.path(ident, name), name, "video/mp4")
            world.holdings.film(ident, Film(account.token, seconds))

    asked = MediaAsked(body["message"], str(given["resolutionName"]))
    return _answered(world, entry, account, asked, Script(steps=(FilmStep(),)), keep)


def _newer_film(world: World, account: SimAccount, given: Body) -> int:
    kind, inner = next(iter(given.items()))
    if kind not in ("textToVideo", "imageToVideo") or not isinstance(inner, dict):
        raise grpc_error(400, 3, "Unknown mediaGenInput.")
    assets = _list(inner, "inputAssets")
    if bool(assets) != (kind == "imageToVideo"):
        raise grpc_error(400, 3, "inputAssets do not fit.")
    if not all(world.holdings.owns(account.token, str(asset)) for asset in assets):
        raise grpc_error(404, 5, "A picture was not found.")
    return _length(inner.get("duration"), range(1, 16))


def _older_film(world: World, entry: Entry, account: SimAccount, body: Body) -> int:
    """The length of the film when this is done; an extension adds to the film before."""
    given = _config(body, "videoGenModelConfig")
    _check_post(world, account, given.get("parentPostId"))
    if not all(world.holdings.owns_at(account.token, str(url)) for url in _list(given, "imageReferences")):
        raise grpc_error(404, 5, "A picture was not found.")
    length = _length(given.get("videoLength"), (6, 10))
    return length + _before(world, entry, account, given) if given.get("isVideoExtension") else length


def _before(world: World, entry: Entry, account: SimAccount, given: Body) -> int:
    """The length of the film that is gone on with. Stops unless the extension takes it up where it ended."""
    film = world.holdings.films.get(str(given.get("extendPostId")))
    if film is None or film.owner != account.token:
        raise grpc_error(404, 5, "The film to extend was not found.")
    _check_post(world, account, given.get("originalPostId"))
    if given.get("videoExtensionStartTime") != round(film.seconds + _FRAME, 6):
        raise grpc_error(400, 3, "videoExtensionStartTime is not the end of the film.")
    if not entry.headers.get("referer", "").endswith(f"/imagine/post/{given.get('parentPostId')}"):
        entry.notes.append("the Referer of an extension is not its post")
    return film.seconds if given.get("stitchWithExtendPostId") else 0


def _answered(
    world: World,
    entry: Entry,
    account: SimAccount,
    asked: MediaAsked,
    script: Script,
    keep: Callable[[World, SimAccount, Script, Ids], None],
) -> Delivery:
    seen = Seen(endpoint=entry.endpoint, account=account.token, message=asked.prompt)
    turn = decide(world, WIRE, seen, Asked(text=asked.prompt), script)
    entry.faults = [str(fault) for fault in turn.faults]
    check_state(account.state, WIRE)
    ids = Ids(world.fresh_id(), world.fresh_id(), world.fresh_id(), owner=account.user_id)
    keep(world, account, turn.script, ids)
    return deliver(world, WIRE, turn, asked, ids)


def _inside(value: Any, *names: str) -> Mapping[str, Any]:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _config(body: Body, name: str) -> Mapping[str, Any]:
    found = _inside(body, "responseMetadata", "modelConfigOverride", "modelMap", name)
    if not found:
        raise grpc_error(400, 3, f"{name} is missing.")
    return found


def _list(value: Body, name: str) -> list[Any]:
    found = value.get(name, [])
    if not isinstance(found, list):
        raise grpc_error(400, 3, f"{name} is not a list.")
    return found


def _check_post(world: World, account: SimAccount, ident: object) -> None:
    if not world.holdings.posted(account.token, ident):
        raise grpc_error(404, 5, "The media post was not found.")


def _check_ratio(ratio: object) -> None:
    if ratio not in _RATIOS:
        raise grpc_error(400, 3, "Unknown aspectRatio.")


def _length(value: object, allowed: range | tuple[int, ...]) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise grpc_error(400, 3, "Unknown length.")
    return value


#: `modelName` -> the endpoint's name in the journal and in scenarios, and what answers.
MODELS: Mapping[str, tuple[str, Callable[[World, Entry, SimAccount, Body], Delivery]]] = {
    "imagine-image-edit": ("edit", _edit),
    "imagine-video-gen": ("video", _film),
}
