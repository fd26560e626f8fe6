"""MCP servers that the provider shall talk to: `mcp_servers`, and the toolsets among the tools that use them.

One hosted tool for each server, in the terms of upstreams that have such a tool. A server without a toolset is used
whole, as the first version of this interface had it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from grok2api.canonical.problem import invalid
from grok2api.canonical.request import HostedTool
from grok2api.dialects.reading import Object

TOOLSET = "mcp_toolset"


def servers(body: Object) -> Iterator[HostedTool]:
    """The servers that are to be used. Raises `Refusal` for a toolset of a server that is not there."""
    toolsets = _toolsets(body)
    for server in body.objects("mcp_servers"):
        name, url = server.need_text("name", longest=128), server.need_text("url")
        old, new = server.child("tool_configuration"), toolsets.pop(name, None)
        if old is not None and old.flag("enabled") is False:
            continue
        settings: dict[str, Any] = {"server_label": name, "server_url": url}
        token = server.text("authorization_token")
        if token:
            settings["authorization"] = token
        allowed = _allowed(new) if new is not None else old.array("allowed_tools") if old is not None else None
        if allowed is not None:
            settings["allowed_tools"] = allowed
        yield HostedTool("mcp", settings, "mcp_servers")
    for toolset in toolsets.values():
        path = toolset.at("mcp_server_name")
        raise invalid(f"{path} names a server that is not among mcp_servers", path)


def _toolsets(body: Object) -> dict[str, Object]:
    return {
        item.need_text("mcp_server_name", longest=128): item
        for item in body.objects("tools")
        if item.text("type") == TOOLSET
    }


def _allowed(toolset: Object) -> list[str] | None:
    """The tools that are switched on by name; `None` when all are. One that is switched off by name is refused."""
    default, configs = toolset.child("default_config"), toolset.child("configs")
    listed: Mapping[str, Any] = configs.raw if configs is not None else {}
    off = default is not None and default.flag("enabled") is False
    enabled = {name: config.get("enabled", not off) for name, config in listed.items() if type(config) is dict}
    if off:
        return [name for name, on in enabled.items() if on]
    for name, on in enabled.items():
        if on is False:
            path = f"{toolset.at('configs')}.{name[:64]}.enabled"
            raise invalid(
                f"{path}: single tools cannot be switched off here; switch all off and the others on by name", path
            )
    return None
