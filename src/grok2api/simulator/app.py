"""The three upstreams as one app on one port: their paths differ, so no host names are needed.

`start` runs it in the current event loop, which is how tests and `serve --demo` use it; `grok2api simulate`
runs it as a process of its own. Callers that leave cancel their handler, and the journal says so.
"""

import socket
from collections.abc import Mapping

import msgspec
from aiohttp import web

from grok2api.simulator import account_settings, assets, console, control, grok, grok_socket, imagine, posts, uploads
from grok2api.simulator.sending import WORLD, Endpoint, endpoint
from grok2api.simulator.world import World

_MAX_BODY = 128 << 20
_GRACE = 0.5

#: journal name, method, path, what answers.
ENDPOINTS: tuple[tuple[str, str, str, Endpoint], ...] = (
    ("web", "POST", "/rest/app-chat/conversations/new", grok.new_conversation),
    ("web", "POST", "/rest/app-chat/conversations/{conversation}/responses", grok.next_turn),
    ("rate_limits", "POST", "/rest/rate-limits", grok.rate_limits),
    ("session", "GET", "/api/auth/session", grok.session),
    ("terms", "POST", "/auth_mgmt.AuthManagement/SetTosAcceptedVersion", account_settings.accept_terms),
    ("features", "POST", "/auth_mgmt.AuthManagement/UpdateUserFeatureControls", account_settings.switch),
    ("upload", "POST", "/rest/app-chat/upload-file", uploads.upload),
    ("upload", "POST", "/http/upload-file-v2/direct", uploads.upload_form),
    ("assets", "GET", "/rest/assets", assets.listing),
    ("asset_delete", "DELETE", "/rest/assets-metadata/{asset}", assets.delete),
    ("download", "GET", "/users/{path:.+}", assets.download),
    ("public", "GET", "/public/imagine-public/images/{name}", assets.public),
    ("public", "GET", "/public/imagine-public/share-videos/{name}", assets.public),
    ("post", "POST", "/rest/media/post/create", posts.create),
    ("share", "POST", "/rest/media/post/create-link", posts.share),
    ("console", "POST", "/v1/responses", console.responses),
    ("dpop_token", "POST", "/v1/dpop/token", console.dpop_token),
    ("usage", "GET", "/v1/usage", console.usage),
    ("models", "GET", "/v1/models", console.models),
    ("api_key", "GET", "/v1/api-key", console.api_key),
)


class Running(msgspec.Struct, frozen=True):
    """A simulator that serves. `url` is its base, without a slash at the end."""

    url: str
    world: World
    runner: web.AppRunner

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings that point a gateway at it, by their dotted names."""
        return upstream_settings(self.url)

    async def close(self) -> None:
        """Ends it, open connections too."""
        await self.runner.cleanup()


def upstream_settings(url: str) -> dict[str, str]:
    """The gateway's settings for a simulator at `url`, by dotted name; other URLs are derived from these."""
    parts = ("web.base_url", "web.assets_url", "web.accounts_url", "console.base_url", "api.base_url")
    return {f"upstream.{part}": url for part in parts} | {"upstream.web.public_url": f"{url}/public"}


def make_app(world: World) -> web.Application:
    """The app. Run it with `handler_cancellation=True`, else the journal cannot see callers leave."""
    app = web.Application(client_max_size=_MAX_BODY)
    app[WORLD] = world
    for name, method, path, answer in ENDPOINTS:
        app.router.add_route(method, path, endpoint(name, answer))
    app.router.add_get("/ws/mgw/", grok_socket.connect)
    app.router.add_get("/ws/imagine/listen", imagine.connect)
    app.router.add_routes(control.ROUTES)
    return app


async def start(world: World, host: str = "127.0.0.1", port: int = 0) -> Running:
    """Serves `world`; port 0 takes a free one. Raises `OSError` when the port is taken."""
    runner = web.AppRunner(make_app(world), handler_cancellation=True, access_log=None, shutdown_timeout=_GRACE)
    await runner.setup()
    bound = _listen(host, port)
    await web.SockSite(runner, bound).start()
    shown = f"[{host}]" if ":" in host else host
    return Running(f"http://{shown}:{bound.getsockname()[1]}", world, runner)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket made by hand, so that the port it got is known."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(1024)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound
