"""Images of Pillow, and formats that only Pillow reads. Nothing here imports it unasked."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Dict, Optional, Tuple

from .._errors import MediaError
from .._numpy import np, npt
from .item import Item, short

if TYPE_CHECKING:
    from PIL.Image import Image

# Name of formats.py -> Pillow's, and the package that adds it to Pillow.
FORMATS: Dict[str, Tuple[str, str]] = {
    "AVIF": ("AVIF", "pillow"),
    "HEIC": ("HEIF", "pillow-heif"),
    "JPEG 2000": ("JPEG2000", "pillow"),
    "TIFF": ("TIFF", "pillow"),
    "WebP": ("WEBP", "pillow"),
}
# Mode -> the mode on the way to RGB. Pillow converts premultiplied colors to this one only, and
# warns about a palette with transparency that is converted to RGB.
_FIRST = {"La": "LA", "P": "RGBA", "RGBa": "RGBA"}


def as_image(value: object) -> Optional[Image]:
    """Returns a value that is an image of Pillow, whose module its owner has imported then."""
    module = sys.modules.get("PIL.Image")
    return value if module is not None and isinstance(value, module.Image) else None


def decode(data: bytes, name: str, item: Item) -> npt.NDArray[np.uint8]:
    """Returns the pixels of a file in the format `name`, of its first frame; (height, width, 3).

    Pillow tries no other format. Raises MediaError, also where Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MediaError(
            f"{item} is in the format {name}, which needs Pillow\npip install pillow"
        ) from None
    pillow_name, package = FORMATS[name]
    Image.init()
    if pillow_name not in Image.OPEN:
        raise MediaError(
            f"{item} is in the format {name}, which this Pillow does not read\n"
            + _installation(package)
        )
    try:
        with Image.open(io.BytesIO(data), formats=[pillow_name]) as image:
            return pixels(image, item)
    except MediaError:
        raise
    except Exception as error:  # Pillow's readers raise anything for damaged files
        raise _damaged(error, item) from None


def pixels(image: Image, item: Item) -> npt.NDArray[np.uint8]:
    """Returns the pixels of an image of Pillow in any mode; (height, width, 3).

    Transparency is dropped and an EXIF orientation is not applied, as in stb_image. Raises
    MediaError.
    """
    width, height = image.size
    item.check_size(width, height)
    try:
        return _rgb(image, item)
    except MediaError:
        raise
    except Exception as error:  # a lazy image is read here
        raise _damaged(error, item) from None


def _rgb(image: Image, item: Item) -> npt.NDArray[np.uint8]:
    if image.mode.startswith("I;16"):
        # The upper byte, as stb_image takes (stbi__convert_16_to_8).
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if image.mode in ("F", "I"):
        raise MediaError(
            f"{item} has the mode {image.mode}, whose values have no fixed range\n"
            'Scale them to 0 to 255, and pass image.convert("L").'
        )
    if image.mode in _FIRST:
        image = image.convert(_FIRST[image.mode])
    return np.asarray(image.convert("RGB"))


def _damaged(error: Exception, item: Item) -> MediaError:
    # The text of UnidentifiedImageError is the address of a file object.
    name = type(error).__name__
    reason = name if name == "UnidentifiedImageError" else short(f"{name}: {error}")
    return MediaError(f"{item} cannot be read by Pillow: {reason}\nPass another file.")


def _installation(package: str) -> str:
    if package == "pillow-heif":
        return "pip install pillow-heif, and call pillow_heif.register_heif_opener()"
    return "pip install --upgrade pillow"
