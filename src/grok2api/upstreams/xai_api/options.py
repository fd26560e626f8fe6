"""What the parts that speak to the official API need to be told; given anew for each call."""

import msgspec


class ApiOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the official API."""

    base_url: str = "https://api.x.ai"
