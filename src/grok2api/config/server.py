"""Settings of the listening side. Part of the tree in `settings`."""

from typing import Annotated

from grok2api.config.about import About, Section


class Server(Section, frozen=True, kw_only=True):
    """The listening side."""

    host: Annotated[
        str, About("Address to listen on; `127.0.0.1` keeps the gateway to this machine.", restart=True)
    ] = "0.0.0.0"  # noqa: S104
    port: Annotated[int, About("Port to listen on; 0 takes any free one.", low=0, high=65535, restart=True)] = 8000
    workers: Annotated[
        int,
        About(
            "Processes that serve on this machine; more than one need `coordination.url`.",
            low=1,
            high=256,
            restart=True,
        ),
    ] = 1
    max_body_mb: Annotated[int, About("Largest request body, after decompression, in MiB.", low=1, high=4096)] = 64
    large_bodies_mb: Annotated[
        int,
        About(
            "MiB of large request bodies, and of files fetched for requests, held at the same time; what would be "
            "more is answered by 503. One request alone is always served. Up to three times as much memory is taken.",
            low=1,
            high=1048576,
        ),
    ] = 256
    cors_origins: Annotated[
        tuple[str, ...],
        About(
            "Origins whose pages may use `/v1` from within a browser, as in `https://chat.example:8443`; `*`: all. "
            "Empty: none. With `app.api_key` empty, a page that is let in can spend your accounts, without a key, from "
            "the browser of everyone who opens it and can reach the gateway; `*` then lets in every page there is.",
            form="origin",
        ),
    ] = ()
    drain_sec: Annotated[
        float, About("How long open streams may go on after SIGTERM, in seconds.", low=0, high=3600)
    ] = 30
