"""What the operator may choose about grok.com. Read once for each attempt; nothing here reads a file."""

from collections.abc import Mapping
from typing import Literal

import msgspec


class MediaOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of pictures, films and files. Times are in seconds.

    public_url: where public results are, without a trailing slash. upload: the form in which files are sent.
    calls: edits and films through media posts, or in the newer single call. nsfw: a flag of picture requests.
    image_timeout: for one picture, or one round of several; image_silence: between two frames of it; video_*: the
    same for a whole film, where a pause of 90 s is nothing unusual.
    uploads_at_once: in the whole process, since each holds its file twice. goodbye_sec: how long the imagine socket
    is given to close, or to begin another slot, after a round. largest_*: bytes of a result.
    """

    public_url: str = "https://imagine-public.x.ai"
    upload: Literal["json", "multipart"] = "json"
    calls: Literal["posts", "direct"] = "posts"
    nsfw: bool = True
    image_timeout: float = 60.0
    image_silence: float = 60.0
    video_timeout: float = 600.0
    video_silence: float = 120.0
    upload_timeout: float = 60.0
    download_timeout: float = 60.0
    list_timeout: float = 60.0
    delete_timeout: float = 60.0
    uploads_at_once: int = 10
    ping_sec: float = 20.0
    goodbye_sec: float = 2.0
    largest_image: int = 64 * 1024 * 1024
    largest_video: int = 1024 * 1024 * 1024


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
    media: MediaOptions = MediaOptions()

    def __repr__(self) -> str:
        return f"WebOptions({self.base_url}, {self.transport})"
