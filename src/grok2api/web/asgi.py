"""The little of ASGI that the hot routes need: header look-up, one-piece answers, request ids."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[str, str]

_JSON = (b"content-type", b"application/json")


def headers_of(scope: Scope) -> Headers:
    """The request's headers, lower-case; of a repeated one, the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def pack(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def answer_whole(
    send: Send, status: int, body: bytes, headers: Iterable[tuple[str, str]] = (), content_type: bytes | None = None
) -> None:
    """Send one whole answer."""
    kind = _JSON if content_type is None else (b"content-type", content_type)
    packed = [kind, (b"content-length", str(len(body)).encode()), *pack(headers)]
    await send({"type": "http.response.start", "status": status, "headers": packed})
    await send({"type": "http.response.body", "body": body})


class Gone(Exception):  # noqa: N818 - not an error: the client left
    """The client has left, or does not take what it is sent."""
