"""Media posts of grok.com: what an edit or a film refers to in the older form, and the public link of a finished film.

Pure.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

from grok2api.canonical.problem import Refusal
from grok2api.upstreams.base import Credential, HttpCall
from grok2api.upstreams.grok_web.call import post_call
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.reading import decode_any
from grok2api.upstreams.refusals import classify

IMAGINE = "/imagine"

Kind = Literal["image", "video"]

_TYPES: Mapping[Kind, str] = {"image": "MEDIA_POST_TYPE_IMAGE", "video": "MEDIA_POST_TYPE_VIDEO"}


def post_page(post_id: str) -> str:
    """The page of a post, as a path: the `Referer` of what is done with it."""
    return f"/imagine/post/{quote(post_id, safe='')}"


def create_call(
    kind: Kind,
    credential: Credential,
    options: WebOptions,
    call_id: str,
    *,
    prompt: str = "",
    media_url: str = "",
) -> HttpCall:
    """The call that makes a post of words, or of a file of the account."""
    given = {"mediaType": _TYPES[kind], "mediaUrl": media_url, "prompt": prompt}
    body = {name: value for name, value in given.items() if value}
    return post_call("/rest/media/post/create", body, credential, options, call_id, IMAGINE)


def read_post(body: bytes) -> str:
    """The id of the new post. Raises `Refusal`."""
    return _member(body, "post", "id")


def share_call(post_id: str, credential: Credential, options: WebOptions, call_id: str) -> HttpCall:
    """The call that makes a post public."""
    body = {"postId": post_id, "source": "post-page", "platform": "web"}
    return post_call("/rest/media/post/create-link", body, credential, options, call_id, post_page(post_id))


def read_share(body: bytes) -> str:
    """The link to the page of a post that is public now. Raises `Refusal`."""
    return _member(body, "shareLink")


def shared_film_url(post_id: str, options: WebOptions) -> str:
    """Where the film of a public post is, for everybody."""
    return f"{options.media.public_url}/imagine-public/share-videos/{quote(post_id, safe='')}.mp4?cache=1"


def _member(body: bytes, *names: str) -> str:
    value = decode_any(body)
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise Refusal(classify(200, {}, body, what=WHAT))
    return value
