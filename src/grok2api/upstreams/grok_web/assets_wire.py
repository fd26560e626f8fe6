"""Files that grok.com keeps for an account: where they are, their list, their deletion, and what a result must be.

Pure. A URL is read once (`place_of`): on the host of account files it wants its owner's cookie, on the public host it
gets none, and anywhere else nothing is sent at all. Which names the list uses is not settled, so every known spelling
is read.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from grok2api.canonical.media import Artifact
from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.upstreams.base import Credential, HttpCall
from grok2api.upstreams.browser import cookie, merged, origin
from grok2api.upstreams.grok_web.call import rest_headers
from grok2api.upstreams.grok_web.options import WebOptions
from grok2api.upstreams.grok_web.teller import WHAT
from grok2api.upstreams.media import Asset
from grok2api.upstreams.reading import decode_any
from grok2api.upstreams.refusals import classify

MEDIA_UNAVAILABLE = "media_unavailable"

_LISTED = {"pageSize": "50", "orderBy": "ORDER_BY_LAST_USE_TIME", "source": "SOURCE_ANY", "isLatest": "true"}
_LIST_NAMES = ("assets", "items")
_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "id": ("assetId", "id"),
    "name": ("name", "fileName"),
    "path": ("key", "filePath", "file_path"),
    "mime": ("mimeType", "contentType", "content_type"),
    "created_at": ("createTime", "createdAt", "created_at"),
}
_SIZES = ("sizeBytes", "fileSize", "size")
_LARGEST_NUMBER = 18  # digits of a size

_TYPES: Mapping[str, str] = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
_ACCEPT = {"image": "image/*,*/*;q=0.8", "video": "video/*,*/*;q=0.8"}
_OPAQUE = ("", "application/octet-stream", "binary/octet-stream")

#: What a refused download may say about the way there, and about the account; else only that there is no such file.
_ABOUT_THE_WAY = frozenset({Kind.CHALLENGE, Kind.UPSTREAM_DOWN})
_ABOUT_THE_ACCOUNT = frozenset({Kind.CREDENTIAL, Kind.BLOCKED, Kind.UNAUTHORIZED})


class Page(NamedTuple):
    """A page of a list; `following` is the token of the next, empty on the last."""

    assets: list[Asset]
    following: str


Place = Literal["account", "public", "elsewhere"]


def content_url(path: str, options: WebOptions) -> str:
    """The full URL of a path on the host of account files; a URL stays what it is."""
    return path if path.startswith(("https://", "http://")) else f"{options.assets_url}/{path.lstrip('/')}"


def user_content_url(user_id: str, file_id: str, options: WebOptions) -> str:
    """Where a file is of which only the id is known."""
    return content_url(f"users/{quote(user_id, safe='')}/{quote(file_id, safe='')}/content", options)


def place_of(url: str, options: WebOptions) -> Place:
    """Whose host a URL is on. What is not plainly below one of the two configured addresses is elsewhere."""
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>'):
        return "elsewhere"
    for place, base in (("public", options.media.public_url), ("account", options.assets_url)):
        if url.startswith(f"{base}/") and _same_host(url, base):
            return "public" if place == "public" else "account"
    return "elsewhere"


def _same_host(url: str, base: str) -> bool:
    try:
        return urlsplit(url).netloc == urlsplit(base).netloc
    except ValueError:
        return False


def type_of(url: str) -> str:
    """The type that the end of a URL's path stands for; empty when it says nothing."""
    path = url.partition("?")[0].lower()
    return next((mime for end, mime in _TYPES.items() if path.endswith(end)), "")


def artifact_at(path: str, kind: Literal["image", "video"], ident: str, options: WebOptions) -> Artifact:
    """A result at a path or URL that the upstream named."""
    url = content_url(path, options)
    bound = place_of(url, options) != "public"
    return Artifact(kind=kind, id=ident, url=url, bound=bound, mime=type_of(url))


# --- the list ------------------------------------------------------------------------------------


def list_call(token: str, credential: Credential, options: WebOptions, call_id: str) -> HttpCall:
    """The call for the page that a token stands for; empty for the first."""
    query = urlencode(_LISTED | ({"pageToken": token} if token else {}))
    return HttpCall(
        method="GET",
        url=f"{options.base_url}/rest/assets?{query}",
        headers=rest_headers(credential, options, call_id, "/files"),
        account=credential.account_id,
    )


def read_page(body: bytes) -> Page:
    """The files of a page; entries without an id are passed over. Raises `Refusal` for what is no list."""
    told = decode_any(body)
    listed = [told[name] for name in _LIST_NAMES if isinstance(told, dict) and isinstance(told.get(name), list)]
    if not listed and told != {}:
        raise Refusal(classify(200, {}, body, what=WHAT))
    following = told.get("nextPageToken")
    return Page(list(_assets(listed[0] if listed else [])), following if isinstance(following, str) else "")


def _assets(listed: list[Any]) -> Iterator[Asset]:
    for item in listed:
        if isinstance(item, dict):
            texts = {name: _first_text(item, spellings) for name, spellings in _SPELLINGS.items()}
            if texts["id"]:
                yield Asset(**texts, size=_size(item))


def _first_text(item: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := item.get(name), str) and value), "")


def _size(item: dict[str, Any]) -> int:
    value = next((item[name] for name in _SIZES if item.get(name) is not None), 0)
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) <= _LARGEST_NUMBER:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def delete_call(asset_id: str, credential: Credential, options: WebOptions, call_id: str) -> HttpCall:
    """The call that deletes a file. 404 means that it is gone already."""
    return HttpCall(
        method="DELETE",
        url=f"{options.base_url}/rest/assets-metadata/{quote(asset_id, safe='')}",
        headers=rest_headers(credential, options, call_id, "/files"),
        account=credential.account_id,
    )


# --- a result ------------------------------------------------------------------------------------


def download_call(artifact: Artifact, credential: Credential, options: WebOptions) -> HttpCall:
    """The call that fetches a result. Raises `Refusal` when its URL is on no configured host."""
    place = place_of(artifact.url, options)
    if place == "elsewhere":
        raise Refusal(_unavailable("names a host that is not configured", evidence=artifact.url[:200].encode()))
    headers = {
        "Accept": _ACCEPT[artifact.kind],
        "Accept-Encoding": "identity",
        "Accept-Language": options.accept_language,
        "Cache-Control": "no-cache",
        "User-Agent": options.user_agent,
    }
    if place == "account":
        own = {"Referer": f"{origin(options.base_url)}/", "Cookie": cookie(credential, options.cookies)}
        headers = merged(headers | own, options.headers)
    sent = {name: value for name, value in headers.items() if value}
    return HttpCall(method="GET", url=artifact.url, headers=sent, account=credential.account_id)


def refused_download(status: int, headers: Mapping[str, str], body: bytes, *, bound: bool) -> Problem:
    """The problem that an answer other than 200 states; that a file is not there is nobody's fault.

    `bound` tells that the account's session was sent along, and so can be to blame.
    """
    problem = classify(status, headers, body, what=WHAT)
    if problem.kind in _ABOUT_THE_WAY or (bound and problem.kind in _ABOUT_THE_ACCOUNT):
        return problem
    return _unavailable(f"answered with status {status}", status, problem.evidence)


def checked_type(kind: str, url: str, headers: Mapping[str, str]) -> str:
    """The type of a result. Raises `Refusal` when the host says that it is something else."""
    told = headers.get("content-type", "").partition(";")[0].strip().lower()
    mime = type_of(url) if told in _OPAQUE else told
    if mime and not mime.startswith(f"{kind}/"):
        raise Refusal(_unavailable(f"sent {mime[:64]} instead of the {kind}"))
    return mime


def checked_length(headers: Mapping[str, str], limit: int) -> int | None:
    """How long a result says it is. Raises `Refusal` when that is too long, or nothing."""
    told = headers.get("content-length", "")
    if not (told.isdecimal() and told.isascii() and len(told) <= _LARGEST_NUMBER) or "content-encoding" in headers:
        return None
    if int(told) > limit:
        raise Refusal(too_large(limit))
    if int(told) == 0:
        raise Refusal(empty())
    return int(told)


def checked_beginning(data: bytes) -> None:
    """Raises `Refusal` when the first bytes are those of a page or of JSON."""
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{"):
        raise Refusal(_unavailable("sent a page instead of the file", evidence=data[:400]))


def empty() -> Problem:
    return _unavailable("sent an empty file")


def too_large(limit: int) -> Problem:
    return _unavailable(f"sent more than the {limit} bytes that are taken")


def _unavailable(what: str, status: int | None = None, evidence: bytes = b"") -> Problem:
    message = f"{WHAT} made a result that cannot be fetched: its host {what}"
    return Problem(
        kind=Kind.UPSTREAM, message=message, code=MEDIA_UNAVAILABLE, upstream_status=status, evidence=evidence
    )
