"""Requests for our server and for TensorFlow Serving, with the answers' statuses, and where the two may differ."""

from __future__ import annotations

import dataclasses
import gzip
import json
from typing import Any

import numpy as np
from PIL import Image

from lomit_tf.data import icc
from lomit_tf.data.opening import readers
from tests.helpers.serving import SIZE, b64, image_bytes, pictures, png

PICTURES = pictures(31, 4)
ONE, TWO = b64(png(PICTURES[0])), b64(png(PICTURES[1]))
FLOATS = PICTURES.astype(np.float64) / 127.5 - 1
WIDE = b64(png(pictures(3, 1, (80, 70))[0]))
OWN = [[[-1.0]]]
GZIP = {"Content-Encoding": "gzip"}


def encoded(**changed: Any) -> dict[str, Any]:
    """An instance of serving_default with everything that the export wants."""
    return {"image_bytes": ONE, "exemplar_bytes": TWO, "transfer": [1, 1]} | changed


def floats(**changed: Any) -> dict[str, Any]:
    """An instance of `translate` with everything that the export wants."""
    whole = {
        "image": FLOATS[0].round(4).tolist(), "exemplar": FLOATS[1].round(4).tolist(), "image_masks": OWN,
        "exemplar_masks": OWN, "transfer": [1, 1],
    }  # fmt: skip
    return whole | changed


def without(instance: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in instance.items() if name not in names}


def columns(*instances: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {name: [i[name] for i in instances] for name in instances[0]} | changed


def rows(*instances: Any, signature: str = "") -> dict[str, Any]:
    return {"instances": list(instances)} | ({"signature_name": signature} if signature else {})


def in_columns(inputs: Any, signature: str) -> dict[str, Any]:
    return {"signature_name": signature, "inputs": inputs}


def lined(data: dict[str, str], by: str = "\n", length: int = 76) -> dict[str, str]:
    text = data["b64"]
    return {"b64": by.join(text[i : i + length] for i in range(0, len(text), length)) + by}


def picture(mode: str, format: str = "PNG", **options: Any) -> dict[str, str]:
    return b64(image_bytes(Image.fromarray(PICTURES[0]).convert(mode), format, **options))


def deep_png() -> dict[str, str]:
    grey = np.asarray(Image.fromarray(PICTURES[0]).convert("L")).astype(np.uint16) * 257
    return b64(image_bytes(Image.fromarray(grey)))


def turned() -> dict[str, str]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return b64(image_bytes(Image.fromarray(PICTURES[0]), "JPEG", quality=95, exif=exif))


def animated(format: str) -> dict[str, str]:
    frames = [Image.fromarray(picture) for picture in PICTURES[:2]]
    return b64(image_bytes(frames[0], format, save_all=True, append_images=frames[1:], lossless=True))


def heic() -> dict[str, str]:
    """As a phone writes it; without pillow-heif, which would make it, only how such a file begins."""
    return picture("RGB", "HEIF") if READS_HEIC else b64(b"\0\0\0\x18ftypheic" + bytes(200))


@dataclasses.dataclass
class Case:
    """A request; the statuses of both; and the row of the table where they, or the answers, differ."""

    content: Any = None  # JSON, or the bytes of a body
    status: int = 200
    theirs: int | None = None  # where it differs
    row: str = ""
    path: str = "/v1/models/tiny:predict"
    method: str = "POST"
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def body(self) -> bytes:
        if self.content is None or isinstance(self.content, bytes):
            return self.content or b""
        return json.dumps(self.content).encode()


def zipped(content: Any, **fields: Any) -> Case:
    return Case(gzip.compress(Case(content).body), headers=GZIP, **fields)


SIXTEEN = Image.fromarray(PICTURES[0]).quantize(16)
ADOBE = icc.of_primaries(icc.ADOBE_GAMMA, icc.ADOBE_PRIMARIES)
PROFILES = "colour profiles, PNG's gamma"
COLOUR_KEY = "one transparent colour, in an RGB PNG or a GIF"
BMP = "BMP of fewer than 24 bits, or with transparency"
READS_HEIC = "HEIF" in readers()
LEFT_OUT = "masks and `transfer` left out"
KEYS = "names that are not known"
CASES = {
    # What is the same.
    "a row": Case(rows(encoded())),
    "two rows, pictures of two sizes": Case(rows(encoded(), encoded(image_bytes=WIDE))),
    "named signature": Case(rows(encoded(), signature="serving_default")),
    "empty signature name": Case(rows(encoded()) | {"signature_name": ""}),
    "a column": Case(in_columns(columns(encoded(), encoded(image_bytes=TWO)), "serving_default")),
    "one group": Case(rows(encoded(transfer=[0, 1]))),
    "no group": Case(rows(encoded(transfer=[0, 0]))),
    "part of a group": Case(rows(encoded(transfer=[0.5, 1]))),
    "version": Case(rows(encoded()), path="/v1/models/tiny/versions/1:predict"),
    "floats, rows": Case(rows(floats(), floats(transfer=[1, 0]), signature="translate")),
    "floats, columns": Case(in_columns(columns(floats(), floats(transfer=[0, 1])), "translate")),
    "edited masks": Case(rows(floats(image_masks=np.full((SIZE, SIZE, 2), 0.4).tolist()), signature="translate")),
    "a mask that broadcasts": Case(rows(floats(exemplar_masks=[[[0.3, -1.0]]]), signature="translate")),
    "whole numbers": Case(rows(np.zeros((SIZE, SIZE, 3), int).tolist(), signature="masks")),
    "bare rows of one input": Case(rows(FLOATS[0].tolist(), FLOATS[2].tolist(), signature="masks")),
    "a bare column of one input": Case(in_columns(FLOATS[:2].tolist(), "masks")),
    "named rows of one input": Case(rows({"image": FLOATS[0].tolist()}, signature="masks")),
    "an exemplar to keep": Case(
        rows({"exemplar": FLOATS[0].tolist(), "exemplar_masks": OWN}, signature="encode_exemplar")
    ),
    "kept styles": Case(
        rows(without(floats(styles=np.full((2, 8), 0.3).tolist()), "exemplar", "exemplar_masks"), signature="apply")
    ),
    "gzip": zipped(rows(encoded())),
    "gzip of columns": zipped(in_columns(columns(floats()), "translate")),
    "base64 in lines": Case(rows(encoded(image_bytes=lined(ONE), exemplar_bytes=lined(TWO, "\r\n", 64)))),
    "base64 with blanks": Case(rows(encoded(image_bytes={"b64": f"  {ONE['b64'][:8]}\t {ONE['b64'][8:]} "}))),
    "base64 without padding": Case(rows(encoded(image_bytes={"b64": ONE["b64"].rstrip("=")}))),
    "a byte order mark": Case(b"\xef\xbb\xbf" + Case(rows(encoded())).body),
    "BMP": Case(rows(encoded(image_bytes=picture("RGB", "BMP")))),
    "grey PNG": Case(rows(encoded(image_bytes=picture("L")))),
    "16-bit PNG": Case(rows(encoded(image_bytes=deep_png()))),
    "PNG with transparency": Case(rows(encoded(image_bytes=picture("RGBA")))),
    "palette PNG": Case(rows(encoded(image_bytes=picture("P")))),
    "WebP": Case(rows(encoded(image_bytes=picture("RGB", "WEBP", lossless=True)))),
    "GIF": Case(rows(encoded(image_bytes=picture("P", "GIF")))),
    "an animated GIF": Case(rows(encoded(image_bytes=animated("GIF")))),
    "JPEG": Case(rows(encoded(image_bytes=picture("RGB", "JPEG", quality=95)))),
    "progressive JPEG": Case(rows(encoded(image_bytes=picture("RGB", "JPEG", quality=60, progressive=True)))),
    "JPEG with all its colours": Case(rows(encoded(image_bytes=picture("RGB", "JPEG", quality=95, subsampling=0)))),
    "grey JPEG": Case(rows(encoded(image_bytes=picture("L", "JPEG")))),
    "CMYK": Case(rows(encoded(image_bytes=picture("CMYK", "JPEG")))),
    "lossy WebP": Case(rows(encoded(image_bytes=picture("RGB", "WEBP", quality=80)))),
    "grey PNG with transparency": Case(rows(encoded(image_bytes=picture("LA")))),
    "status": Case(method="GET", path="/v1/models/tiny"),
    "status of a version": Case(method="GET", path="/v1/models/tiny/versions/1"),
    # What both refuse.
    "no JSON": Case(b"PK\x03\x04", 400),
    "an empty body": Case(b"", 400),
    "a list": Case([1, 2], 400),
    "neither rows nor columns": Case({"signature_name": "masks"}, 400),
    "both": Case(rows(encoded()) | {"inputs": columns(encoded())}, 400),
    "no rows": Case({"instances": []}, 400),
    "rows that are no list": Case({"instances": encoded()}, 400),
    "unknown signature": Case(rows(encoded(), signature="mask"), 400),
    "signature of another type": Case(rows(encoded()) | {"signature_name": 7}, 400),
    "unknown input in a row": Case(rows(encoded(imagebytes=1)), 400),
    "no exemplar": Case(rows(without(encoded(), "exemplar_bytes")), 400),
    "a picture as a string": Case(rows(encoded(image_bytes="/etc/passwd")), 400),
    "a URL": Case(rows(encoded(image_bytes={"url": "http://localhost/a.png"})), 400),
    "a data: URL": Case(rows(encoded(image_bytes={"b64": f"data:image/png;base64,{ONE['b64']}"})), 400),
    "no base64": Case(rows(encoded(image_bytes={"b64": "&&&&"})), 400),
    "base64 for addresses": Case(rows(encoded(image_bytes={"b64": "-_-_"})), 400),
    "TIFF": Case(rows(encoded(image_bytes=picture("RGB", "TIFF"))), 400),
    "AVIF": Case(rows(encoded(image_bytes=picture("RGB", "AVIF"))), 400),
    "JPEG cut off": Case(rows(encoded(image_bytes=b64(image_bytes(Image.fromarray(PICTURES[0]), "JPEG")[:-200]))), 400),
    "no picture": Case(rows(encoded(image_bytes=b64(b"hello"))), 400),
    "a picture cut off": Case(rows(encoded(image_bytes=b64(png(PICTURES[0])[:200]))), 400),
    "another size": Case(rows(floats(image=np.zeros((32, 32, 3)).tolist()), signature="translate"), 400),
    "ragged": Case(rows([[[0, 0, 0]] * SIZE] * (SIZE - 1) + [[[0]]], signature="masks"), 400),
    "numbers as words": Case(rows(np.full((SIZE, SIZE, 3), "0.5").tolist(), signature="masks"), 400),
    "true and false": Case(rows(np.full((SIZE, SIZE, 3), True).tolist(), signature="masks"), 400),
    "too large for a float": Case(rows(np.full((SIZE, SIZE, 3), 1e39).tolist(), signature="masks"), 400),
    "gzip that is none": Case(Case(rows(encoded())).body, 400, headers=GZIP),
    "gzip cut off": Case(gzip.compress(Case(rows(encoded())).body)[:-20], 400, headers=GZIP),
    "another model": Case(rows(encoded()), 404, path="/v1/models/other:predict"),
    "another version": Case(rows(encoded()), 404, path="/v1/models/tiny/versions/2:predict"),
    "status of another model": Case(None, 404, method="GET", path="/v1/models/other"),
    # What differs, as the table in docs/serve.md says.
    "no masks": Case(
        rows(without(floats(), "image_masks", "exemplar_masks"), signature="translate"), 200, 400, LEFT_OUT
    ),
    "no transfer": Case(rows(without(encoded(), "transfer")), 200, 400, LEFT_OUT),
    "null for a mask": Case(rows(floats(image_masks=None), signature="translate"), 200, 400, LEFT_OUT),
    "a bare row of two inputs": Case(rows(FLOATS[0].tolist(), signature="encode_exemplar"), 200, 400, LEFT_OUT),
    "masks beside encoded pictures": Case(
        rows(encoded(image_masks=OWN)), 200, 400, "`image_masks`, `exemplar_masks` in `serving_default`"
    ),
    "masks of two shapes": Case(
        rows(floats(), floats(image_masks=[[[0.5, -1.0]]]), signature="translate"),
        200, 400, "masks of different shapes in one request",
    ),
    "one mask for all rows": Case(
        in_columns(columns(floats(), floats(), image_masks=[OWN]), "translate"),
        400, 200, "a column with one value for all instances",
    ),
    "EXIF that turns": Case(rows(encoded(image_bytes=turned())), 200, 200, "EXIF's orientation"),
    "a colour profile": Case(rows(encoded(image_bytes=picture("RGB", "PNG", icc_profile=ADOBE))), 200, 200, PROFILES),
    "HEIC": Case(rows(encoded(image_bytes=heic())), 200 if READS_HEIC else 400, 400, "HEIC and HEIF"),
    "animated WebP": Case(rows(encoded(image_bytes=animated("WEBP"))), 200, 400, "an animated WebP"),
    "one transparent colour, PNG": Case(
        rows(encoded(image_bytes=picture("RGB", transparency=tuple(PICTURES[0][0, 0].tolist())))), 200, 200, COLOUR_KEY
    ),
    "one transparent colour, GIF": Case(
        rows(encoded(image_bytes=b64(image_bytes(SIXTEEN, "GIF", transparency=3)))), 200, 200, COLOUR_KEY
    ),
    "BMP with a palette": Case(rows(encoded(image_bytes=picture("P", "BMP"))), 200, 200, BMP),
    "black and white BMP": Case(rows(encoded(image_bytes=picture("1", "BMP"))), 200, 400, BMP),
    "NaN": Case(b'{"signature_name": "masks", "instances": [' + json.dumps(np.full((SIZE, SIZE, 3), np.nan).tolist())
                .encode() + b"]}", 400, 200, "NaN, numbers out of range"),
    "out of range": Case(rows(np.full((SIZE, SIZE, 3), 200).tolist(), signature="masks"), 400, 200,
                         "NaN, numbers out of range"),
    "a mask above 1": Case(rows(floats(image_masks=[[[255.0, 0.0]]]), signature="translate"), 400, 200,
                           "NaN, numbers out of range"),
    "unknown key": Case(rows(encoded()) | {"model_path": "/etc/passwd"}, 400, 200, KEYS),
    "unknown column": Case(in_columns(columns(encoded(), extra=[1]), "serving_default"), 400, 200, KEYS),
    "null for the signature": Case(rows(encoded()) | {"signature_name": None}, 200, 400, "`signature_name` null"),
    "too many instances": Case(rows(*[encoded()] * 5), 400, 200, "more instances than `--max_queue`"),
    "another coding": Case(
        rows(encoded()), 415, 200, "Content-Encoding other than gzip", headers={"Content-Encoding": "br"}
    ),
    "a label": Case(rows(encoded()), 404, 400, "labels", path="/v1/models/tiny/labels/stable:predict"),
    "classify": Case({"examples": []}, 405, 400, "classify, regress, other paths and methods",
                     path="/v1/models/tiny:classify"),
    "another path": Case(None, 404, 400, "classify, regress, other paths and methods", method="GET", path="/v1/models"),
    "another method": Case(None, 405, 400, "classify, regress, other paths and methods", path="/v1/models/tiny"),
    "capitals in the path": Case(rows(encoded()), 404, 200, "capitals in a path", path="/V1/Models/tiny:Predict"),
    "health": Case(None, 200, 404, "`/healthz`, `/readyz`, `/metrics`", method="GET", path="/healthz"),
    "metadata": Case(None, 200, 200, "metadata", method="GET", path="/v1/models/tiny/metadata"),
}  # fmt: skip
ALSO = {  # rows of the table that no request can show; the model of these requests has no such groups
    "found masks of connected groups (`connected_groups`)",
    "names, types, answers", "exemplar left out",
    "a full queue, a body over the limit", "gRPC, several models and versions",
}  # fmt: skip
