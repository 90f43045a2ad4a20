"""Photographs drawn at random, of sixteen kinds, each with what must become of it."""

from __future__ import annotations

import dataclasses
import io
import zlib
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from lomit_tf.data.colour import profile_of as real_profile_of
from tests.helpers import photo_files as files
from tests.helpers.photo_files import DAMAGED, PRIMARIES, XMP, encoded, exif, png_chunk, png_with

ENDINGS = (".png", ".tif", ".webp", ".jpg", ".bmp")
POINTER, ORIENTATION, MAKER = 0x8769, 0x0112, 0x010F


@dataclasses.dataclass(repr=False)
class Case:
    """A file and what must become of it.

    Attributes:
      values: (H, W, 3 or 4), upright: what its pixels are, in its own depth and colours.
      reference: (H, W, 3) uint8, the same picture in sRGB, where it was made from one.
      fails: words of the message of one that cannot be translated.
      maker, icc, xmp, dpi: metadata that the result must have.
      noted: whether a note must say what was left out.
    """

    data: bytes
    name: str = "photo.png"
    values: np.ndarray | None = None
    reference: np.ndarray | None = None
    ending: str = ".png"
    fails: str = ""
    maker: bool = False
    icc: bytes | None = None
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    noted: bool | None = None

    def __repr__(self) -> str:
        return f"{self.name} ({len(self.data)} bytes) -> {self.ending} {self.fails}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # else hypothesis would write all pixels out
        printer.text(repr(self))


def smooth(seed: int, height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8: soft colours that every profile has."""
    coarse = np.random.default_rng(seed).integers(30, 226, (4, 5, 3), np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).clip(30, 226)


def deepened(rgb: np.ndarray, depth: int) -> np.ndarray:
    return rgb if depth == 8 else rgb.astype(np.uint16) * 257


def png(values: np.ndarray, *chunks: bytes) -> bytes:
    import cv2

    order = [2, 1, 0, 3][: values.shape[-1]]
    return png_with(cv2.imencode(".png", np.ascontiguousarray(values[..., order]))[1].tobytes(), *chunks)


def plain(data: bytes) -> np.ndarray:
    """Pixels of a file without metadata, by Pillow alone."""
    return np.asarray(Image.open(io.BytesIO(data)))


@st.composite
def cases(draw: Any, kind: str) -> Case:
    """A case of one of KINDS."""
    height, width, seed = draw(st.integers(2, 40)), draw(st.integers(2, 40)), draw(st.integers(0, 2**32 - 1))
    case = KINDS[kind](draw, smooth(seed, height, width))
    return dataclasses.replace(case, ending=draw(st.sampled_from(ENDINGS)) if case.ending == ".png" else case.ending)


def with_block(draw: Any, rgb: np.ndarray, block: bytes, **expected: Any) -> Case:
    """A file of one of the containers of EXIF blocks."""
    container = draw(st.sampled_from(["png", "jpg", "webp", "heic"]))
    if container == "png":
        place = draw(st.booleans())
        prefix = b"Exif\0\0" * draw(st.integers(0, 2))
        data, values = png_with(encoded(rgb), png_chunk(b"eXIf", prefix + block), last=place), rgb
    elif container == "jpg":
        bare = encoded(rgb, "JPEG", quality=95)
        data, values = files.jpeg_with_exif(bare, block), plain(bare)
    elif container == "webp":
        data, values = encoded(rgb, "WEBP", lossless=True, exif=block), rgb
    else:
        bare = encoded(rgb, "HEIF", quality=90)
        data, values = encoded(rgb, "HEIF", quality=90, exif=b"Exif\0\0" + block), plain(bare)
    return Case(data, f"photo.{container}", values, **expected)


def large_exif(draw: Any, rgb: np.ndarray) -> Case:
    return with_block(draw, rgb, exif(1, note=bytes(draw(st.integers(65_600, 140_000)))), maker=True)


def no_orientation(draw: Any, rgb: np.ndarray) -> Case:
    wrong = draw(st.sampled_from([0, 9, 255, 65_535]))
    if draw(st.booleans()):
        return Case(files.tiff(rgb, {ORIENTATION: wrong, MAKER: "Maker"}), "photo.tif", rgb, maker=True)
    return with_block(draw, rgb, exif(wrong, order=draw(st.sampled_from("<>"))), maker=True)


def damaged_exif(draw: Any, rgb: np.ndarray) -> Case:
    name = draw(st.sampled_from([*DAMAGED, "bytes", "flipped"]))
    if name == "bytes":
        return with_block(draw, rgb, draw(st.binary(min_size=9, max_size=200)))
    if name == "flipped":
        whole = bytearray(exif(None, note=b"camera", order=draw(st.sampled_from("<>"))))
        for _ in range(draw(st.integers(1, 6))):
            whole[draw(st.integers(0, len(whole) - 1))] ^= draw(st.integers(1, 255))
        return with_block(draw, rgb, bytes(whole))
    return with_block(draw, rgb, DAMAGED[name], noted=name != "a maker of numbers")


def damaged_chunks(draw: Any, rgb: np.ndarray) -> Case:
    values = deepened(rgb, draw(st.sampled_from([8, 16])))
    kind = draw(st.sampled_from([b"eXIf", b"iCCP", b"zTXt", b"iTXt", b"tEXt", b"pHYs", b"tIME", b"sRGB", b"bKGD"]))
    body = draw(
        st.sampled_from(
            [
                b"",
                b"\0",
                b"name\0\0broken",
                b"XML:com.adobe.xmp\0\1\0\0\0broken",
                b"Text\0\0" + zlib.compress(bytes(4 << 20)),
            ]
        )
    )
    sound = draw(st.booleans())
    data = png_with(png(values), png_chunk(kind, body, sound=sound), last=draw(st.booleans()))
    return Case(data, "photo.png", values, noted=None if sound else True)


def unusable_profile(draw: Any, rgb: np.ndarray) -> Case:
    values = deepened(rgb, draw(st.sampled_from([8, 16])))
    profile = draw(
        st.sampled_from([b"no profile", files.SRGB[:150], bytes(3000), files.grey_profile(2.0), files.cmyk_profile()])
    )
    if draw(st.booleans()):
        return Case(files.tiff(values, {34675: profile}), "photo.tif", values, rgb, icc=b"", noted=True)
    chunk = png_chunk(b"iCCP", b"a\0\0" + zlib.compress(profile))
    return Case(png(values, chunk), "photo.png", values, rgb, icc=b"", noted=True)


def too_long(draw: Any, rgb: np.ndarray) -> Case:
    ending, side, format = draw(st.sampled_from([(".webp", 16_384, "WEBP"), (".jpg", 65_501, "JPEG")]))
    side += draw(st.integers(0, 500))
    shape = (side, 1) if draw(st.booleans()) else (1, side)
    values = smooth(1, *shape)
    return Case(png(values), "photo.png", values, ending=ending, fails=f"{format} holds at most")


def in_profile(draw: Any, rgb: np.ndarray) -> Case:
    name, depth = draw(st.sampled_from(list(PRIMARIES))), draw(st.sampled_from([8, 16]))
    own = real_profile_of(files.profile(name)).from_srgb(rgb / np.float32(255))  # type: ignore[union-attr]
    values = np.round(own * (255 if depth == 8 else 65_535)).astype(np.uint8 if depth == 8 else np.uint16)
    container = draw(st.sampled_from(["png", "tif", "webp"] if depth == 8 else ["png", "tif"]))
    if container == "png":
        data = png(values, png_chunk(b"iCCP", b"a\0\0" + zlib.compress(files.profile(name))))
    elif container == "tif":
        data = files.tiff(values, {34675: files.profile(name)})
    else:
        data = encoded(values, "WEBP", lossless=True, icc_profile=files.profile(name))
    return Case(data, f"photo.{container}", values, rgb, icc=files.profile(name))


def gamma(draw: Any, rgb: np.ndarray) -> Case:
    exponent = draw(st.sampled_from([1.0, 1.4, 1.8, 2.6]))
    linear = np.where(rgb <= 10.3, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    if draw(st.booleans()):
        values = np.round(linear ** (1 / exponent) * 65_535).astype(np.uint16)
        return Case(
            png(values, png_chunk(b"gAMA", round(100_000 / exponent).to_bytes(4, "big"))), "photo.png", values, rgb
        )
    grey = np.round(linear[..., :1] ** (1 / exponent) * 65_535).astype(np.uint16)
    data = encoded(grey[..., 0], icc_profile=files.grey_profile(exponent))
    return Case(data, "photo.png", np.repeat(grey, 3, axis=-1), np.repeat(rgb[..., :1], 3, axis=-1))


def sixteen_bits(draw: Any, rgb: np.ndarray) -> Case:
    low = np.random.default_rng(len(rgb)).integers(0, 256, (*rgb.shape[:2], 4), np.uint16)  # what 8 bits would lose
    values = (np.dstack([rgb, rgb[..., :1]]).astype(np.uint16) * 256 + low)[..., : draw(st.sampled_from([3, 4]))]
    orientation, profile = draw(st.integers(1, 8)), files.profile("AdobeRGB")
    stored = files.stored(values, orientation)
    if draw(st.booleans()):
        tags = {ORIENTATION: orientation, MAKER: "Maker", 34675: profile, 700: XMP}
        return Case(files.tiff(stored, tags), "photo.tiff", values, maker=True, icc=profile, xmp=XMP)
    chunks = [png_chunk(b"iCCP", b"a\0\0" + zlib.compress(profile)), png_chunk(b"eXIf", exif(orientation))]
    return Case(png(stored, *chunks), "photo.png", values, maker=True, icc=profile)


def thumbnail(draw: Any, rgb: np.ndarray) -> Case:
    return with_block(draw, rgb, exif(1, thumbnail=encoded(rgb, "JPEG"), order=draw(st.sampled_from("<>"))), maker=True)


def floats(draw: Any, rgb: np.ndarray) -> Case:
    grey = (rgb[..., 0] / np.float32(255)).astype(np.float32)
    what = draw(st.sampled_from(["0..1", "0..1", "0..255", "negative", "NaN"]))
    if what != "0..1":
        grey = grey * {"0..255": 255, "negative": -1, "NaN": np.nan}[what]
        return Case(encoded(grey, "TIFF"), "photo.tif", fails="a picture of floats")
    return Case(
        encoded(grey, "TIFF"), "photo.tif", np.repeat(grey[..., None], 3, axis=-1), np.repeat(rgb[..., :1], 3, axis=-1)
    )


def heic(draw: Any, rgb: np.ndarray) -> Case:
    bare = encoded(rgb, "HEIF", quality=90)
    profile = files.profile("Display P3") if draw(st.booleans()) else b""
    options = {"icc_profile": profile} if profile else {}
    data = encoded(rgb, "HEIF", quality=90, exif=b"Exif\0\0" + exif(1), **options)
    name = draw(st.sampled_from(["IMG_0001.HEIC", "photo.heif", "photo.hif"]))
    return Case(data, name, plain(bare), None if profile else plain(bare), maker=True, icc=profile)


def unreadable(draw: Any, rgb: np.ndarray) -> Case:
    kind = draw(st.sampled_from(["jxl", "cr3", "raf", "dng", "nef"]))
    return Case(files.unreadable(kind, rgb), f"photo.{kind}", fails="which cannot be read")


def density_and_xmp(draw: Any, rgb: np.ndarray) -> Case:
    values, dpi = (
        deepened(rgb, draw(st.sampled_from([8, 16]))),
        (draw(st.integers(30, 1200)), draw(st.integers(30, 1200))),
    )
    container = draw(st.sampled_from(["png", "tif", "jpg"]))
    if container == "jpg":
        bare = encoded(rgb, "JPEG", quality=95)
        return Case(encoded(rgb, "JPEG", quality=95, dpi=dpi, xmp=XMP), "photo.jpg", plain(bare), xmp=XMP, dpi=dpi)
    if container == "tif":
        tags = {
            700: XMP,
            282: float(dpi[0]),
            283: float(dpi[1]),
            296: 2,
            POINTER: {0x9003: "2020:01:01 00:00:00"},
            MAKER: "Maker",
        }
        return Case(files.tiff(values, tags), "photo.tif", values, xmp=XMP, dpi=dpi, maker=True)
    metre = b"".join(round(n / 0.0254).to_bytes(4, "big") for n in dpi) + b"\1"
    chunks = [png_chunk(b"pHYs", metre), png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)]
    return Case(png(values, *chunks), "photo.png", values, xmp=XMP, dpi=dpi)


def modes(draw: Any, rgb: np.ndarray) -> Case:
    mode = draw(st.sampled_from(["L", "LA", "RGBA", "P", "1", "I;16", "CMYK"]))
    image = Image.fromarray(rgb)
    if mode == "I;16":
        grey = rgb[..., :1].astype(np.uint16) * 257
        return Case(encoded(grey[..., 0]), "photo.png", np.repeat(grey, 3, axis=-1))
    if mode in ("LA", "RGBA"):
        alpha = np.random.default_rng(7).integers(0, 256, rgb.shape[:2], np.uint8)
        image = Image.fromarray(np.dstack([rgb, alpha])).convert(mode)
        return Case(encoded(image), "photo.png", np.asarray(image.convert("RGBA")))
    image = image.convert(mode)
    return Case(encoded(image, "TIFF"), "photo.tif", np.asarray(image.convert("RGB")))


def orientations(draw: Any, rgb: np.ndarray) -> Case:
    orientation, depth = draw(st.integers(1, 8)), draw(st.sampled_from([8, 16]))
    values = deepened(rgb, depth)
    stored = files.stored(values, orientation)
    if draw(st.booleans()):
        return Case(files.tiff(stored, {ORIENTATION: orientation}), "photo.tif", values, rgb)
    block = exif(orientation, order=draw(st.sampled_from("<>")))
    return Case(png(stored, png_chunk(b"eXIf", block)), "photo.png", values, rgb, maker=True)


KINDS = {
    "EXIF over 64 KB": large_exif, "an orientation that is none": no_orientation, "damaged EXIF": damaged_exif,
    "damaged chunks of a PNG": damaged_chunks, "a profile that cannot be used": unusable_profile,
    "too long for the format": too_long, "a colour profile": in_profile, "a gamma, or a grey profile": gamma,
    "16 bits with metadata": sixteen_bits, "a thumbnail": thumbnail, "floats": floats, "HEIC": heic,
    "kinds that cannot be read": unreadable, "density and XMP": density_and_xmp, "modes": modes,
    "orientations": orientations,
}  # fmt: skip
