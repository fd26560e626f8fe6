"""What clients say of the pictures that they want: `image_config` of conversations, and fields of the endpoints."""

from grok2api.canonical.request import Drawing
from grok2api.dialects.reading import Object

MOST_PREVIEWS = 3
_FORMS = {"url": False, "b64_json": True}


def image_config(top: Object) -> Drawing | None:
    """What `image_config` says; nothing when it is absent. Sizes and numbers are judged when the model is known."""
    config = top.child("image_config")
    if config is None:
        return None
    size = "size" if config.has("size") else "aspect_ratio"
    return Drawing(n=config.whole("n"), size=config.text(size), inline=inline(config), path=f"{config.path}.")


def inline(holder: Object) -> bool | None:
    """Whether `response_format` wants the files themselves; nothing when it is absent."""
    form = holder.choice("response_format", tuple(_FORMS))
    return None if form is None else _FORMS[form]
