"""Account settings as a browser asks for them, and what each fault makes of the answer."""

from collections.abc import Callable

from simulated import Got, ask, cookie

TERMS = "/auth_mgmt.AuthManagement/SetTosAcceptedVersion"
SWITCH = "/auth_mgmt.AuthManagement/UpdateUserFeatureControls"
ACCEPT = bytes.fromhex("00000000021001")
ON = bytes.fromhex("00000000200a021001121a0a18") + b"always_show_nsfw_content"
OFF = bytes.fromhex("00000000200a021000121a0a18") + b"always_show_nsfw_content"


async def call(running, path: str, body: bytes, token: str = "demo-super-1", **headers: str) -> Got:
    """One call with the headers of a browser; `headers` replace some."""
    sent = {
        **cookie(token),
        "Content-Type": "application/grpc-web+proto",
        "X-Grpc-Web": "1",
        "X-User-Agent": "connect-es/2.1.1",
        "Origin": running.url,
        "Referer": running.url + ("/accept-tos" if path == TERMS else "/?_s=data"),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return await ask("POST", running.url + path, sent, body)


#: What the acceptance of the terms is answered with under each word.
GRPC: dict[str, tuple[str, Callable[[Got], bool]]] = {
    "grpc-refuse": ("grpc-refuse=8", lambda got: b"grpc-status: 8\r\ngrpc-message: That%20setting" in got.body),
    "grpc-headers": ("grpc-headers", lambda got: got.headers["grpc-status"] == "0" and got.body == b""),
    "grpc-silent": (
        "grpc-silent",
        lambda got: got.body == b"\x00\x00\x00\x00\x00" and "grpc-status" not in got.headers,
    ),
    "grpc-text": ("grpc-text", lambda got: got.body.startswith(b"AAAAAACA") and "text" in got.headers["Content-Type"]),
}
