"""`GET openapi.json` and `GET docs`: the document of this API, and a page that shows it and tries it out.

The page needs nothing from elsewhere, and the browser is told so: only the style and the script that are in it may run.
"""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from grok2api.admin.parts import Parts
from grok2api.admin.route import Call, Page


async def read_openapi(parts: Parts, call: Call[None, None]) -> Page:
    """OpenAPI 3.1, made from the gateway's own table of endpoints."""
    return Page(parts.document(), "application/json")


async def read_docs(parts: Parts, call: Call[None, None]) -> Page:
    """Open it as `/admin/api/docs?app_key=KEY`; the page takes the key out of the address at once."""
    return _page()


@cache
def _page() -> Page:
    text = files("grok2api.admin").joinpath("docs.html").read_text("utf-8")
    policy = (
        "default-src 'none'; connect-src 'self'; "
        f"style-src {_hash(text, 'style')}; script-src {_hash(text, 'script')}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"content-security-policy": policy, "referrer-policy": "no-referrer", "x-frame-options": "DENY"}
    return Page(text.encode(), "text/html; charset=utf-8", headers)


def _hash(text: str, element: str) -> str:
    """What a browser compares an element's content with."""
    found = re.search(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
    assert found is not None
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}'"
