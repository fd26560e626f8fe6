"""Media posts of grok.com: what an edit or a film refers to, and the public link of a finished one."""

from aiohttp import web

from grok2api.simulator.answering import check_state, refusal, side_faults
from grok2api.simulator.credentials import grpc_error, read_object, signed_in
from grok2api.simulator.delivery import Delivery, plain
from grok2api.simulator.grok import WIRE
from grok2api.simulator.holdings import Post
from grok2api.simulator.journal import Entry
from grok2api.simulator.render import encode
from grok2api.simulator.scenarios import Seen
from grok2api.simulator.world import World

_TYPES = ("MEDIA_POST_TYPE_IMAGE", "MEDIA_POST_TYPE_VIDEO")


async def create(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /rest/media/post/create`."""
    account = signed_in(world, entry, WIRE)
    body = await read_object(request, entry)
    media_type, prompt, url = body.get("mediaType"), body.get("prompt", ""), body.get("mediaUrl", "")
    if media_type not in _TYPES or not isinstance(prompt, str) or not isinstance(url, str):
        raise grpc_error(400, 3, "Invalid media post.")
    if not prompt and not url:
        raise grpc_error(400, 3, "A media post needs a prompt or a mediaUrl.")
    seen = Seen(endpoint="post", account=account.token, message=prompt)
    post = Post(id=world.fresh_id(), owner=account.token, media_type=str(media_type), prompt=prompt, media_url=url)
    told = {
        "id": post.id,
        "userId": account.user_id,
        "mediaType": post.media_type,
        "prompt": prompt,
        "originalPrompt": prompt,
        "mediaUrl": url,
    }
    delivery = side_faults(world, WIRE, seen, plain(encode({"post": told})))
    check_state(account.state, WIRE)
    if url and not world.holdings.owns_at(account.token, url):
        raise grpc_error(404, 5, "The media was not found.")
    world.holdings.post(post)
    return delivery


async def share(world: World, request: web.Request, entry: Entry) -> Delivery:
    """`POST /rest/media/post/create-link`: from then on the public host shows the film."""
    account = signed_in(world, entry, WIRE)
    body = await read_object(request, entry)
    ident = body.get("postId")
    seen = Seen(endpoint="share", account=account.token)
    told = {"shareLink": f"https://grok.com/imagine/post/{ident}"}
    delivery = side_faults(world, WIRE, seen, plain(encode(told)))
    check_state(account.state, WIRE)
    film = world.holdings.films.get(str(ident))
    if film is None or film.owner != account.token:
        raise refusal("404", WIRE)
    world.holdings.share(str(ident), str(ident))
    return delivery
