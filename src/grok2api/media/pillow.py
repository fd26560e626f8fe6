"""Making a picture small, with Pillow. Blocks; called in a thread, and imported with the first thumbnail only."""

import io
import warnings

from PIL import Image

#: Formats that are read at all: each has a decoder of its own, and each decoder may have its faults.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
#: What a small file can claim to be large as; decoded, a pixel is four bytes.
MOST_PIXELS = 24_000_000


class Unreadable(ValueError):  # noqa: N818 - there is no thumbnail, which is no failure
    """The bytes are no picture that can be made small."""


def shrink(data: bytes, edge: int) -> bytes:
    """The picture as WebP, no wider and no higher than `edge`. Raises `Unreadable`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _shrink(data, edge)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(type(error).__name__) from None


def _shrink(data: bytes, edge: int) -> bytes:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise Unreadable("too many pixels")
        picture.draft("RGB", (edge, edge))
        picture.thumbnail((edge, edge))
        small = picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGBA")
        out = io.BytesIO()
        small.save(out, "WEBP", quality=80, method=4)
        return out.getvalue()
