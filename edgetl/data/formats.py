"""Define the formats of image files that are read: one list, which the decoder, the search for files, messages and documents follow."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from edgetl.data import jpeg
from edgetl.software import install, version_of


@dataclass(frozen=True)
class ImageFormat:
    """A format: the name that people use, and the suffixes of its files."""

    name: str
    suffixes: tuple[str, ...]


_HEIC = ImageFormat("HEIC", (".heic", ".heif"))
FORMATS = (
    ImageFormat("JPEG", (".jpg", ".jpeg")),  # also the MPO files of phones, at their first image
    ImageFormat("PNG", (".png",)),
    ImageFormat("BMP", (".bmp",)),
    ImageFormat("GIF", (".gif",)),
    ImageFormat("WebP", (".webp",)),
    ImageFormat("TIFF", (".tif", ".tiff")),
    ImageFormat("AVIF", (".avif",)),
    _HEIC,
)
IMAGE_SUFFIXES = tuple(suffix for one in FORMATS for suffix in one.suffixes)
_NAMES = [one.name for one in FORMATS]
ARE_READ = f"{', '.join(_NAMES[:-1])} and {_NAMES[-1]} images are read"
IN_NONE = f"not a {', '.join(_NAMES[:-1])} or {_NAMES[-1]} image"

_BY_PILLOW = [name.upper() for name in _NAMES if name not in ("JPEG", "HEIC")]
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BRANDS = {  # of ISO 14496-12's file type box
    "AVIF": {b"avif", b"avis"},
    "HEIC": {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"},
}


def is_image_name(name: str) -> bool:
    """Return whether a file's name ends as those of images do."""
    return name.lower().endswith(IMAGE_SUFFIXES)


class UnknownFormat(Exception):
    """Bytes that are in none of the formats; the message is the reason."""


def decoders(names: Iterable[str]) -> tuple[str, ...]:
    """Return the releases of the packages that decode files of these names: with others, other files are read or give other pixels."""
    pillow = "pillow " + version_of("pillow")
    if not any(name.lower().endswith(_HEIC.suffixes) for name in names):
        return (pillow,)
    heif = version_of("pillow-heif")
    return pillow, f"pillow-heif {heif}" if heif else "no pillow-heif"


def opened(data: bytes) -> Image.Image:
    """Return an image of which only the header was read. Raises UnknownFormat, or what Pillow raises for a damaged header.

    A JPEG file of any size is opened: libjpeg can reduce it while it decodes. Image.open would refuse it by the size in its header.
    """
    kind = _kind(data)
    try:
        if kind == "JPEG":
            return JpegImageFile(BytesIO(data))
        if kind == "HEIC":
            return _heic(data)
        return Image.open(BytesIO(data), formats=_BY_PILLOW)
    except (UnidentifiedImageError, SyntaxError, IndexError, TypeError, struct.error):  # as Image.open does
        raise UnknownFormat(_unknown(data, kind)) from None


def _kind(data: bytes) -> str:
    """Return the format by the first bytes, where its name or another way to open it depends on that."""
    if data.startswith(jpeg.BEGIN):
        return "JPEG"
    if data.startswith(_TIFFS):
        return "TIFF"
    if data[4:8] == b"ftyp":
        brands = {data[place : place + 4] for place in range(8, min(int.from_bytes(data[:4], "big"), 256), 4)}
        return next((name for name, known in _BRANDS.items() if brands & known), "film")
    return ""


def _heic(data: bytes) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise UnknownFormat(f"a HEIC image, which needs the Python package pillow-heif: {install('heic')}") from None
    image: Image.Image = HeifImageFile(BytesIO(data))
    return image


def _unknown(data: bytes, kind: str) -> str:
    if kind == "film":
        return "a film, or an image of a format that is not read"
    if kind in ("TIFF", "AVIF", "HEIC"):
        return f"damaged, or a kind of {kind} that is not read: save it as PNG"
    return IN_NONE
