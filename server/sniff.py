"""What a file is, by its first bytes. Names and declared types are never believed."""

from dataclasses import dataclass

from server.documents import FileType
from server.errors import UnsupportedType

HEAD_BYTES = 4096
"""How much of the start of a file `sniff` wants to see."""

ACCEPTED = "JPG, PNG, BMP, TIFF, WEBP, GIF and PDF"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type that can be read; `plugin` is Pillow's name of the format, empty for PDF."""

    file_type: FileType
    media_type: str
    plugin: str = ""


PDF = Kind(FileType.PDF, "application/pdf")
_JPEG = Kind(FileType.IMAGE, "image/jpeg", "JPEG")
_PNG = Kind(FileType.IMAGE, "image/png", "PNG")
_BMP = Kind(FileType.IMAGE, "image/bmp", "BMP")
_TIFF = Kind(FileType.IMAGE, "image/tiff", "TIFF")
_WEBP = Kind(FileType.IMAGE, "image/webp", "WEBP")
_GIF = Kind(FileType.IMAGE, "image/gif", "GIF")

MEDIA_TYPES = tuple(kind.media_type for kind in (PDF, _JPEG, _PNG, _BMP, _TIFF, _WEBP, _GIF))
"""Those of all kinds."""

_MAGIC = (
    (b"\xff\xd8\xff", _JPEG),
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"II*\0", _TIFF),
    (b"MM\0*", _TIFF),
    (b"II+\0", _TIFF),  # BigTIFF
    (b"MM\0+", _TIFF),
)
_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}  # "BM" alone would also be the start of many a text

_OTHERS = (
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (doc, xls, ppt)"),
    (b"%!PS", "PostScript"),
    (b"AT&TFORM", "DjVu"),
    (b"8BPS", "a Photoshop image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\1\0", "an icon"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
)
_ZIPPED = ((b"word/", "a Word document (docx)"), (b"xl/", "an Excel sheet (xlsx)"), (b"ppt/", "slides (pptx)"))


def sniff(head: bytes) -> Kind:
    """The kind of the file that starts with `head` (`HEAD_BYTES` of it, or all).

    Raises UnsupportedType, which names what the file seems to be and what is accepted.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _WEBP
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return _BMP
    if b"%PDF-" in head[:1024]:  # readers allow for junk before the header (ISO 32000-1, annex H.3.4.1)
        return PDF
    raise UnsupportedType(f"This is {_describe(head)}. Accepted are {ACCEPTED}.")


def _describe(head: bytes) -> str:
    for magic, name in _OTHERS:
        if head.startswith(magic):
            return name
    if head.startswith(b"PK\3\4"):
        return next((name for part, name in _ZIPPED if part in head), "a zip archive or an Office document")
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "an AVIF image"
        return "a HEIC image" if brand[:2] in (b"he", b"mi", b"ms") else "a video"
    return _describe_text(head)


def _describe_text(head: bytes) -> str:
    start = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML)"
    if start.startswith(b"<?xml"):
        return "XML"
    # Bytes above 0x7f may be letters of any encoding; control characters are in no text.
    is_text = not any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return "plain text" if is_text else "not a type that is known here"
