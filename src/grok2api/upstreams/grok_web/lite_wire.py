"""Pictures of the lite model: a chat that is asked to draw. One conversation makes one picture.

Pure. The stream is read by `media_reading`.
"""

from grok2api.upstreams.base import Credential, HttpCall
from grok2api.upstreams.grok_web.call import chat_call
from grok2api.upstreams.grok_web.options import WebOptions


def lite_call(prompt: str, mode: str, credential: Credential, options: WebOptions, call_id: str) -> HttpCall:
    """The call that asks for a drawing; `mode` is the wire's."""
    return chat_call(f"Drawing: {prompt}", mode, credential, options, call_id)
