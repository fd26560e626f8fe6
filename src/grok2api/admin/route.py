"""What an endpoint of the admin API is: a row of the table, and the shapes that its handler takes and gives.

Pure. The types of query, body and answer are read off the handler's own annotations, so that the type checker, the
reader of requests, the OpenAPI document and the reference page cannot disagree.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, get_args, get_type_hints

import msgspec

from grok2api.admin.parts import Parts

BASE = "/admin/api"

Q = TypeVar("Q")
B = TypeVar("B")


class Call(msgspec.Struct, Generic[Q, B], frozen=True):
    """One authenticated call: its query parameters, its body, and the names in its path."""

    query: Q
    body: B
    path: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return "Call(…)"


class Page(msgspec.Struct, frozen=True):
    """An answer that is no JSON, whole."""

    content: bytes
    kind: str
    headers: Mapping[str, str] = {}


class Pieces(msgspec.Struct, frozen=True):
    """An answer that is made while it is sent."""

    pieces: AsyncGenerator[bytes, None]
    kind: str
    headers: Mapping[str, str] = {}


class Events(msgspec.Struct, frozen=True):
    """A stream of server-sent events; silence is filled with pings."""

    frames: AsyncGenerator[bytes, None]


Handler = Callable[[Parts, Any], Awaitable[Any]]
Method = Literal["GET", "POST", "PUT", "DELETE"]


class Route(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One row. `path` is below `BASE`; `{names}` in it are looked up, never interpreted.

    group: its chapter in the documentation. says: one sentence. codes: the errors besides those of every endpoint.
    media: what the answer is, when it is no JSON. abandons: the work ends when the client leaves.
    """

    method: Method
    path: str
    handler: Handler
    group: str
    says: str
    codes: tuple[str, ...] = ()
    media: tuple[str, ...] = ("application/json",)
    abandons: bool = False

    @cached_property
    def _hints(self) -> Mapping[str, Any]:
        return get_type_hints(self.handler, include_extras=True)

    @property
    def query(self) -> Any:
        """The struct of the query parameters, or `None`."""
        return _unless_none(get_args(self._hints["call"])[0])

    @property
    def body(self) -> Any:
        """The type of the body: a struct or a list as JSON, `bytes` for any text, or `None` for no body."""
        return _unless_none(get_args(self._hints["call"])[1])

    @property
    def answer(self) -> Any:
        """The type of the answer."""
        return self._hints["return"]


def _unless_none(kind: Any) -> Any:
    return None if kind is type(None) else kind
