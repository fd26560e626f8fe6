"""What the operator reads when the gateway has started. Pure."""

import ipaddress
from collections.abc import Sequence

from grok2api.config.settings import Settings


def lines(settings: Settings, address: str, admin_key: str | None, accounts: Sequence[tuple[int, str]]) -> list[str]:
    """The banner. `accounts` are counts by state.

    `admin_key` only when it was made just now: it is shown this once (Z1).
    """
    out = [f"grok2api listens on {address}  (OpenAI: {address}/v1, Anthropic: {address})"]
    counted = ", ".join(f"{count} {state}" for count, state in accounts if count)
    if counted:
        out.append(f"accounts: {counted}")
    else:
        out.append("no accounts yet: add one with  grok2api accounts add TOKEN")
    if admin_key is not None:
        out.append(f"admin key, shown this once: {admin_key}")
    if not settings.app.api_key and not is_loopback(settings.server.host):
        out.append(
            "OPEN MODE: app.api_key is empty and the address is not loopback, so everyone who can reach "
            "this machine uses your accounts. Set app.api_key, or --host 127.0.0.1."
        )
    return out


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reachable(host: str, port: int) -> str:
    """The address as a client on this machine would write it."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    if ":" in shown and not shown.startswith("["):
        shown = f"[{shown}]"
    return f"http://{shown}:{port}"
