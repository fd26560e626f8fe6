"""The gateway's own address as its clients see it, for links to what it serves.

Pure. `app.app_url` where the operator gave it; else where this request came to. What a proxy says in forwarded headers
is not believed (Z5): anybody can send them, and a link would then lead to wherever he likes.
"""

import re

from grok2api.web.asgi import Headers, Scope

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")


def public_base(app_url: str, scope: Scope, headers: Headers) -> str:
    """The base of links, without a slash at the end."""
    if app_url:
        return app_url.rstrip("/")
    host = headers.get("host", "")
    if not _HOST.match(host):
        address, port = scope.get("server") or ("127.0.0.1", 8000)
        host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return f"{scope.get('scheme', 'http')}://{host}"
