"""What the console.x.ai adapter needs to be told; given anew for each attempt."""

from collections.abc import Mapping
from typing import Literal

import msgspec


class ConsoleOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Operator's values; none of them is shown in a repr, since cookies and headers are secrets.

    auth: how the account proves itself; `auto` begins with a bearer and changes to DPoP where that is demanded.
    cookies, user_agent, headers: of the operator's own browser session, passed through unchanged.
    cluster: the `x-cluster` header. search_tools: `auto` adds the two searches when the client sends no tool at all.
    """

    base_url: str = "https://console.x.ai"
    auth: Literal["auto", "bearer", "dpop"] = "auto"
    cookies: str = ""
    user_agent: str = ""
    accept_language: str = "en-US,en;q=0.9"
    headers: Mapping[str, str] = {}
    cluster: str = "https://us-east-1.api.x.ai"
    search_tools: Literal["auto", "off"] = "auto"

    def __repr__(self) -> str:
        return f"ConsoleOptions({self.base_url}, {self.auth})"
