"""Fetching what a client's URL points to, without becoming the client's arm in our own network (I4).

Each step, the first and every redirect, is the same: read the URL strictly, resolve its name, judge every address of
the answer, and connect to an address that was judged, so that a name that turns in between leads nowhere else. The host
keeps its name in the request and in the certificate. No cookie, no account, no header of the client goes along.
Promises bytes within the limit and in time, or a `Refusal` whose message fits behind the name of the field.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from grok2api.canonical.problem import Kind, Problem, Refusal
from grok2api.media.addresses import BadUrl, Target, follow, is_inner_name, parse, trouble
from grok2api.upstreams.base import Http, HttpAnswer, HttpCall, TransportError

#: The addresses of a host. Raises `OSError` when the name cannot be resolved.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS: Mapping[str, str] = {
    "User-Agent": "grok2api",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_MIB = 1024 * 1024
#: Addresses of one host that are tried.
_TRIES = 3
#: Names that are looked up at the same time.
_LOOKUPS = 4


class FetchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """max_bytes: of one file. timeout: for all of it, redirects included. allow_private: reach private networks too."""

    max_bytes: int = 32 * _MIB
    timeout: float = 30.0
    redirects: int = 4
    allow_private: bool = False


class Fetcher:
    """Fetches. `http` should keep no connections: these hosts are the clients' and not ours."""

    def __init__(self, http: Http, options: Callable[[], FetchOptions], resolve: Resolve | None = None) -> None:
        self._http = http
        self._options = options
        self._resolve = resolve or SystemNames().addresses

    async def fetch(self, url: str, path: str, hold: Callable[[int], None] | None = None) -> bytes:
        """The bytes at `url`; `path` is the client's field that names it. Raises `Refusal`.

        `hold` is told the size of each chunk that is kept, and may raise a `Refusal` of its own.
        """
        options = self._options()
        try:
            async with asyncio.timeout(options.timeout):
                return await self._follow(parse(url), options, hold or _no_matter)
        except BadUrl as error:
            raise _refused(path, str(error), "url_not_allowed") from None
        except _TooLarge:
            message = f"{path} points to more than {options.max_bytes // _MIB} MiB"
            raise Refusal(Problem(kind=Kind.TOO_LARGE, message=message, param=path, code="file_too_large")) from None
        except _Failed as error:
            raise _refused(path, str(error), "url_not_fetched") from None
        except TimeoutError:
            raise _refused(path, f"did not come within {options.timeout:g} s", "url_not_fetched") from None

    async def _follow(self, target: Target, options: FetchOptions, hold: Callable[[int], None]) -> bytes:
        for _ in range(options.redirects + 1):
            addresses = await self._addresses(target, options)
            found = await self._ask(target, addresses[:_TRIES], options.max_bytes, hold)
            if isinstance(found, bytes):
                return found
            target = found
        raise _Failed(f"redirects more than {options.redirects} times")

    async def _addresses(self, target: Target, options: FetchOptions) -> Sequence[str]:
        """Addresses of the host, all of them judged. Raises `BadUrl` when one of them must not be reached."""
        if target.literal:
            addresses: Sequence[str] = [target.host]
        else:
            if is_inner_name(target.host) and not options.allow_private:
                raise BadUrl("names a host of a private network")
            try:
                addresses = await self._resolve(target.host, target.port)
            except (OSError, UnicodeError):
                addresses = ()
            if not addresses:
                raise _Failed("names a host that cannot be resolved")
        for address in addresses:
            if trouble(address, allow_private=options.allow_private):
                raise BadUrl("leads to an address that is not fetched from (private, local or reserved)")
        return addresses

    async def _ask(
        self, target: Target, addresses: Sequence[str], limit: int, hold: Callable[[int], None]
    ) -> bytes | Target:
        """The bytes, or where else to look. The next address is tried only where the one before does not answer."""
        for address in addresses:
            call = HttpCall(method="GET", url=target.url, headers=_HEADERS, address=address)
            try:
                async with self._http.send(call) as answer:
                    return await _read(target, answer, limit, hold)
            except TransportError as error:
                if error.problem.kind is not Kind.UNREACHABLE:
                    raise _Failed("points to something that broke off") from None
        raise _Failed("points to a host that does not answer")


class _Failed(Exception):  # noqa: N818 - becomes a `Refusal` with the field's name
    """Why there are no bytes, in words that follow the field's name."""


class _TooLarge(Exception):  # noqa: N818 - as above
    """There are more bytes than are wanted."""


async def _read(target: Target, answer: HttpAnswer, limit: int, hold: Callable[[int], None]) -> bytes | Target:
    if answer.status in _REDIRECTS:
        location = answer.headers.get("location", "")
        if not location:
            raise _Failed("redirects to nowhere")
        return follow(target, location)
    if answer.status != 200:
        raise _Failed(f"points to something that answers with status {answer.status}")
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise _Failed("points to something that is compressed although that was not asked for")
    announced = answer.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _TooLarge
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.chunks():
        size += len(chunk)
        if size > limit:
            raise _TooLarge
        hold(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


class SystemNames:
    """Asks the system, in threads of its own: names that nobody answers for must not delay calls to the upstreams."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS, "lookup")

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name, each once. Raises `OSError`."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
        return list(dict.fromkeys(found))


def _look_up(host: str, port: int) -> list[str]:
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _no_matter(_: int) -> None:
    """Nobody counts."""


def _refused(path: str, reason: str, code: str) -> Refusal:
    return Refusal(Problem(kind=Kind.INVALID, message=f"{path} {reason}", param=path, code=code))
