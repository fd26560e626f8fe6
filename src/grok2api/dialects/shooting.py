"""What clients say of the film that they want: `video_config` of conversations, and fields of `/v1/videos`."""

from grok2api.canonical.choices import VIDEO_PRESETS, VIDEO_RESOLUTIONS, VIDEO_SECONDS, video_ratio
from grok2api.canonical.problem import invalid
from grok2api.canonical.request import Shot
from grok2api.dialects.reading import Object

_MOST_DIGITS = 3


def video_config(top: Object) -> Shot | None:
    """What `video_config` says; nothing when it is absent. Raises `Refusal` naming the field at fault."""
    config = top.child("video_config")
    return None if config is None else shot(config)


def shot(holder: Object) -> Shot:
    """What these fields say. Raises `Refusal` naming the one at fault."""
    size = holder.text("size")
    video_ratio(size, holder.at("size"))
    return Shot(
        seconds=_seconds(holder),
        size=size,
        resolution=holder.choice("resolution_name", VIDEO_RESOLUTIONS),
        preset=holder.choice("preset", VIDEO_PRESETS),
        path=f"{holder.path}." if holder.path else "",
    )


def _seconds(holder: Object) -> int | None:
    """A number, or its digits, as OpenAI's clients send it."""
    value = holder.raw.get("seconds")
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS:
        value = int(value)
    if value is None:
        return None
    if isinstance(value, bool) or value not in VIDEO_SECONDS:
        field = holder.at("seconds")
        raise invalid(f"{field} must be one of {', '.join(map(str, VIDEO_SECONDS))}", field)
    return int(value)
