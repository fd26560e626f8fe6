"""console.x.ai as an upstream: a session cookie, where demanded a proof of possession, and the Responses wire."""

from grok2api.upstreams.console.adapter import Console
from grok2api.upstreams.console.options import ConsoleOptions

__all__ = ["Console", "ConsoleOptions"]
