"""What a client may choose about pictures and films, and the shape that each size stands for.

Pure tables. A size is what OpenAI's clients send; upstreams are told a ratio. The same size can mean another ratio for
a picture than for a film, because grok.com draws other shapes than it films.
"""

from collections.abc import Mapping

from grok2api.canonical.problem import invalid

DEFAULT_IMAGE_SIZE = "1024x1024"
DEFAULT_VIDEO_SIZE = "720x1280"

IMAGE_RATIOS: Mapping[str, str] = {
    "1024x1024": "1:1",
    "1280x720":  "16:9",
    "720x1280":  "9:16",
    "1792x1024": "3:2",
    "1024x1792": "2:3",
    "1536x1024": "3:2",
    "1024x1536": "2:3",
}  # fmt: skip

VIDEO_RATIOS: Mapping[str, str] = {
    "720x1280":  "9:16",
    "1024x1792": "9:16",
    "1280x720":  "16:9",
    "1792x1024": "16:9",
    "1024x1024": "1:1",
}  # fmt: skip

#: Ratios that a client may name itself instead of a size; `auto` leaves the shape to the upstream.
RATIOS = (
    "1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "2:1", "1:2", "19.5:9", "9:19.5", "20:9", "9:20", "auto",
)  # fmt: skip

#: The first of each is the default.
VIDEO_SECONDS = (6, 10, 12, 16, 20)
VIDEO_RESOLUTIONS = ("720p", "480p")
VIDEO_PRESETS = ("custom", "normal", "fun", "spicy")


def image_ratio(size: str | None, param: str = "size") -> str:
    """The ratio of a picture of that size; without a size, that of the default. Raises `Refusal` naming `param`."""
    if size in RATIOS:
        return str(size)
    return _ratio(size or DEFAULT_IMAGE_SIZE, IMAGE_RATIOS, param)


def video_ratio(size: str | None, param: str = "size") -> str:
    """The same for a film, where only sizes are known."""
    return _ratio(size or DEFAULT_VIDEO_SIZE, VIDEO_RATIOS, param)


def _ratio(size: str, table: Mapping[str, str], param: str) -> str:
    if size not in table:
        raise invalid(f"The size {size[:32]!r} is not one of {', '.join(table)}", param)
    return table[size]
