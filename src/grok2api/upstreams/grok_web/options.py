"""What the operator may choose about grok.com. Read once for each attempt; nothing here reads a file."""

from collections.abc import Mapping
from typing import Literal

import msgspec


class WebOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the grok.com upstream.

    base_url, assets_url, accounts_url: without a trailing slash.
    ws_url: the base of WebSockets; empty means `base_url` with ws(s).
    cookies: the operator's own cookies (`name=value; name=value`), sent behind the account's.
    headers: the operator's own headers, passed through unchanged and before ours of the same name; never `Cookie`.
    soft_stop_grace_sec: how long to go on reading after the answer has ended softly.
    max_line_bytes: a longer frame breaks the answer off; image cards are long, so never below 8 MiB in earnest.
    ping_sec: seconds between two heartbeats on a WebSocket.
    settings_timeout: seconds for one change of an account's settings.
    """

    base_url: str = "https://grok.com"
    ws_url: str = ""
    assets_url: str = "https://assets.grok.com"
    accounts_url: str = "https://accounts.x.ai"
    cookies: str = ""
    user_agent: str = ""
    accept_language: str = "en-US,en;q=0.9"
    headers: Mapping[str, str] = {}
    temporary: bool = True
    memory: bool = False
    custom_instruction: str = ""
    transport: Literal["rest", "ws"] = "rest"
    show_search_sources: bool = False
    soft_stop_grace_sec: float = 3.0
    max_line_bytes: int = 16 * 1024 * 1024
    ping_sec: float = 25.0
    settings_timeout: float = 60.0

    def __repr__(self) -> str:
        return f"WebOptions({self.base_url}, {self.transport})"
