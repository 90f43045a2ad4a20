"""What bytes are wrapped in on their way: gzip around a body, base64 around an image."""

from __future__ import annotations

import base64
import binascii
import zlib

from lomit_tf.serving.errors import RequestError

GZIP_HEADER = 16 + zlib.MAX_WBITS  # zlib's number for a gzip file


def content_coding(header: str) -> str:
    """gzip, or "" for a body as it is, of a Content-Encoding. Raises RequestError (415) for any other."""
    coding = header.strip().lower()
    if coding in ("", "identity"):
        return ""
    if coding in ("gzip", "x-gzip"):
        return "gzip"
    raise RequestError(
        415, f"Content-Encoding: {coding[:40]} is not taken; send gzip, or the JSON as it is", reason="encoding"
    )


def gunzip(body: bytes, most: int) -> bytes:
    """The bytes in a gzip file of one or several members; never more memory than for `most` of them.

    Raises RequestError: 413 for more than `most` bytes, 400 for what is no gzip, or is cut off.
    """
    parts, left = [], most
    while body:
        member = zlib.decompressobj(GZIP_HEADER)
        try:
            part = member.decompress(body, left + 1)
        except zlib.error as error:
            raise _not_gzip(str(error)) from None
        left -= len(part)
        if left < 0:
            raise RequestError(413, f"the body is larger than {most:,} bytes when it is unpacked", reason="body")
        if not member.eof:
            raise _not_gzip("it is cut off")
        parts.append(part)
        body = member.unused_data.lstrip(b"\0")  # padding of archives
    return b"".join(parts)


def _not_gzip(why: str) -> RequestError:
    return RequestError(400, f"the body is not gzip, as Content-Encoding says: {why}")


def decode_base64(text: str, where: str) -> bytes:
    """The bytes of a base64 text; white space in it and missing = at its end do not matter, as in TensorFlow Serving.

    Raises RequestError (400), naming `where`, for anything else.
    """
    if text[:5].lower() == "data:":
        raise RequestError(400, f"{where}: a data: URL; send only the base64 that follows its comma")
    if len(text.strip()) != len(text) or any(space in text for space in " \t\r\n\f\v"):
        text = "".join(text.split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(400, f"{where}: not base64: {error}") from None
