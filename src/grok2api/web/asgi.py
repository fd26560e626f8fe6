"""The little of ASGI that the hot routes need: header look-up, one-piece answers, request ids."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from typing import Any
from urllib.parse import quote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[str, str]

_JSON = (b"content-type", b"application/json")
#: Of the names that a client wrote, what stays as it is in a header; the rest is per cent and hexadecimal digits.
_PLAIN = " !#$&'()*+/:;<=>?@[]^`{|}"
#: Characters of a header that a client can make as long as it likes: proxies take few kilobytes of headers in all.
_LONGEST = 2048


def headers_of(scope: Scope) -> Headers:
    """The request's headers, lower-case; of a repeated one, the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def pack(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def ignored(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The header that tells what has no effect, if anything has none; the names are a client's, and may be anything.

    Of more names than fit, it says how many there are.
    """
    shown: list[str] = []
    room = _LONGEST
    for name in names:
        shown.append(quote(name, safe=_PLAIN, errors="replace"))
        room -= len(shown[-1]) + 2
        if room < 0:
            shown[-1] = f"and {len(names) - len(shown) + 1} more"
            break
    if shown:
        yield "x-grok2api-ignored", ", ".join(shown)


async def answer_whole(
    send: Send, status: int, body: bytes, headers: Iterable[tuple[str, str]] = (), content_type: bytes | None = None
) -> None:
    """Send one whole answer."""
    kind = _JSON if content_type is None else (b"content-type", content_type)
    packed = [kind, (b"content-length", str(len(body)).encode()), *pack(headers)]
    await send({"type": "http.response.start", "status": status, "headers": packed})
    await send({"type": "http.response.body", "body": body})


async def answer_nothing(send: Send, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Send 204, which has no body."""
    await send({"type": "http.response.start", "status": 204, "headers": list(headers)})
    await send({"type": "http.response.body", "body": b""})


def adding(send: Send, headers: Sequence[tuple[bytes, bytes]]) -> Send:
    """`send`, with these headers on the answer, save those that it says itself."""

    async def tagged(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = list(message.get("headers", ()))
            names = {name.lower() for name, _ in said}
            message = {**message, "headers": [*said, *(pair for pair in headers if pair[0] not in names)]}
        await send(message)

    return tagged


class Gone(Exception):  # noqa: N818 - not an error: the client left
    """The client has left, or does not take what it is sent."""
