"""Pictures inside a chat answer, as both chat wires tell them: in the steps of a card.

Pure.
"""

from collections.abc import Iterator
from typing import Any

from grok2api.simulator.render import Ids
from grok2api.simulator.script import Picture

RENDER = "render_generated_image"
CARD = "generated_image_card"


def steps(step: Picture, nth: int, ids: Ids) -> Iterator[dict[str, Any]]:
    """The `image_chunk` of each step of the answer's n-th picture."""
    name = ids.picture(nth, step)
    for number, progress in enumerate(step.progress):
        done = progress >= 100
        folder = name if done else f"{name}-part-{number}"
        yield {
            "imageUuid": name,
            "imageUrl": ids.path(folder, f"image.{step.form}"),
            "progress": progress,
            "moderated": step.moderated and done,
            "seq": number,
        }


def card(ident: str, chunk: dict[str, Any]) -> dict[str, Any]:
    """The card around a step."""
    return {"id": ident, "type": RENDER, "cardType": CARD, "image_chunk": chunk}
