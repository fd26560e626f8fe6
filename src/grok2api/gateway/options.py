"""What the operator decides about answers."""

import msgspec

from grok2api.aliases import Aliases
from grok2api.gateway.policy import Policy
from grok2api.patterns import Patterns

_NO_TAGS: Patterns[str] = Patterns({})


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Options of the gateway.

    thinking: shown when the client does not say. aliases: what names lead to. prefer_tags: by a model's name, or the
    name that was asked for, the tag of accounts that are preferred for it.
    """

    policy: Policy = Policy()
    thinking: bool = True
    auto_fallback: bool = True
    aliases: Aliases = Aliases()
    prefer_tags: Patterns[str] = _NO_TAGS
