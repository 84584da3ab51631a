"""Makes test documents, as bytes: sound ones, odd ones and hostile ones."""

import io
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from PIL import Image, ImageDraw, ImageFont, TiffImagePlugin
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, RectangleObject
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

Size = tuple[int, int]
Colour = int | tuple[int, ...] | str


# --- images


def text_image(text: str, size: int = 32, colour: str = "black", paper: str = "white") -> Image.Image:
    """The text, line by line, in the font that comes with Pillow, `size` px high, with a margin around it."""
    font = ImageFont.load_default(size=size)
    box = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    image = Image.new("RGB", (int(box[2]) + 2 * size, int(box[3]) + 2 * size), paper)
    ImageDraw.Draw(image).multiline_text((size, size), text, fill=colour, font=font)
    return image


def corners(size: Size = (40, 20)) -> Image.Image:
    """An RGB image that shows how it is turned: red, green, blue and black quarters, from top left, clockwise."""
    width, height = size
    image = Image.new("RGB", size)
    for corner, colour in (((0, 0), "red"), ((width // 2, 0), "green"), ((width // 2, height // 2), "blue")):
        image.paste(colour, (*corner, corner[0] + width // 2, corner[1] + height // 2))
    return image


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file of the Pillow format `kind`."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def text_png(text: str, size: int = 32) -> bytes:
    """A PNG of the text."""
    return encode(text_image(text, size), "PNG")


def plain(kind: str, size: Size = (40, 20), colour: Colour = "red", mode: str = "RGB", **options: Any) -> bytes:
    """An image file of one colour."""
    return encode(Image.new(mode, size, colour), kind, **options)


def alpha_png(size: Size = (40, 20)) -> bytes:
    """A PNG, left half opaque blue, right half clear over black."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, size[0] // 2, size[1]))
    return encode(image, "PNG")


def palette_png(size: Size = (40, 20)) -> bytes:
    """A palette PNG, left half green, right half an entry that is clear."""
    image = Image.new("P", size, 1)
    image.putpalette([0, 128, 0, 0, 0, 0])
    image.paste(0, (0, 0, size[0] // 2, size[1]))
    return encode(image, "PNG", transparency=1)


def frames(kind: str, colours: Iterable[Colour], size: Size = (40, 20)) -> bytes:
    """A file of several frames: pages of a TIFF, an animation of a GIF, WEBP or PNG, an MPO."""
    first, *others = [Image.new("RGB", size, colour) for colour in colours]
    return encode(first, kind, save_all=True, append_images=others)


def rotated_jpeg(orientation: int, size: Size = (40, 20)) -> bytes:
    """A JPEG of `corners` whose EXIF block says how it is turned (1–8)."""
    exif = Image.Exif()
    exif[274] = orientation
    return encode(corners(size), "JPEG", quality=100, subsampling=0, exif=exif)


def cmyk_jpeg(colour: tuple[int, int, int, int], adobe: bool = True) -> bytes:
    """A CMYK JPEG of one colour; as Adobe's, inverted and marked, or as plain CMYK without the mark."""
    ink = colour if adobe else tuple(255 - part for part in colour)  # Pillow writes the inverse of what it is given
    data = encode(Image.new("CMYK", (40, 20), ink), "JPEG", quality=100)
    return data if adobe else _without_segment(data, 0xEE)


def _without_segment(jpeg: bytes, marker: int) -> bytes:
    start = jpeg.index(bytes((0xFF, marker)))
    (length,) = struct.unpack_from(">H", jpeg, start + 2)
    return jpeg[:start] + jpeg[start + 2 + length :]


def raw_tiff(size: Size, bits: int | tuple[int, ...], photometric: int, data: bytes, **tags: int) -> bytes:
    """An uncompressed one-strip TIFF, little-endian unless `big_endian=1`; `sample_format` 1 unsigned, 2 signed, 3 float.

    TIFF 6.0, https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf; photometric 0 white is zero, 1 black is zero,
    2 RGB, 5 CMYK, 8 CIE L*a*b*.
    """
    end = ">" if tags.get("big_endian") else "<"
    samples = (bits,) if isinstance(bits, int) else bits
    sample_format = tags.get("sample_format", 1)
    entries: list[tuple[int, tuple[int, ...]]] = [
        (256, (size[0],)),
        (257, (size[1],)),
        (258, samples),
        (259, (1,)),
        (262, (photometric,)),
        (273, (0,)),
        (277, (len(samples),)),
        (278, (size[1],)),
        (279, (len(data),)),
        (339, (sample_format,) * len(samples)),
    ]
    extra_at = 8 + 2 + 12 * len(entries) + 4
    extra = b""
    directory = struct.pack(end + "H", len(entries))
    strip_at = extra_at + sum(2 * len(values) for _, values in entries if len(values) > 2)
    for tag, values in entries:
        if tag in (273, 279):
            directory += struct.pack(end + "HHII", tag, 4, 1, strip_at if tag == 273 else len(data))
        elif len(values) > 2:
            directory += struct.pack(end + "HHII", tag, 3, len(values), extra_at + len(extra))
            extra += struct.pack(f"{end}{len(values)}H", *values)
        else:
            directory += struct.pack(end + "HHI", tag, 3, len(values)) + struct.pack(end + "2H", *(*values, 0)[:2])
    header = (b"MM" if end == ">" else b"II") + struct.pack(end + "HI", 42, 8)
    return header + directory + b"\0\0\0\0" + extra + data


def grey16_tiff(values: Iterable[int], big_endian: bool = False, photometric: int = 1) -> bytes:
    """A TIFF one pixel high, of 16-bit grey values."""
    pixels = list(values)
    data = struct.pack(f"{'>' if big_endian else '<'}{len(pixels)}H", *pixels)
    return raw_tiff((len(pixels), 1), 16, photometric, data, big_endian=int(big_endian))


def bilevel_tiff(white_is_zero: bool) -> bytes:
    """A 1-bit TIFF, 16 × 1 px: eight black pixels, then eight white ones."""
    return raw_tiff((16, 1), 1, 0 if white_is_zero else 1, b"\xff\x00" if white_is_zero else b"\x00\xff")


def damaged_tiff(colours: Iterable[Colour], damaged: int) -> bytes:
    """A TIFF of several pages, compressed, of which page `damaged`, counted from 1, holds rubbish."""
    data = bytearray(encode_tiff_pages(colours))
    with Image.open(io.BytesIO(bytes(data))) as image:
        image.seek(damaged - 1)
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        start, length = image.tag_v2[273][0], image.tag_v2[279][0]
    data[start : start + length] = b"\x55" * length
    return bytes(data)


def encode_tiff_pages(colours: Iterable[Colour], size: Size = (40, 20)) -> bytes:
    """A TIFF of several pages, each compressed by Deflate."""
    first, *others = [Image.new("RGB", size, colour) for colour in colours]
    return encode(first, "TIFF", save_all=True, append_images=others, compression="tiff_adobe_deflate")


# --- PNG by hand


def png(size: Size, bits: int, colour_type: int, data: bytes, extra: bytes = b"") -> bytes:
    """A PNG of the compressed `data`, whatever the header says; `extra` are chunks before them (w3.org/TR/png)."""
    header = struct.pack(">IIBBBBB", *size, bits, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def packed(rows: bytes) -> bytes:
    """The image data of a PNG: `rows`, each after its filter byte, compressed."""
    return zlib.compress(rows)


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header_bomb_png(size: Size = (100_000, 100_000)) -> bytes:
    """A PNG that claims to be enormous and holds nothing."""
    return png(size, 8, 2, zlib.compress(b"\0"))


def zip_bomb_png(size: Size = (30_000, 30_000)) -> bytes:
    """A black PNG whose few hundred kilobytes unpack to `size` pixels."""
    return png(size, 8, 0, zeros((size[0] + 1) * size[1]))


def profile_bomb_png(megabytes: int = 200) -> bytes:
    """A small PNG whose colour profile unpacks to that many megabytes."""
    return png((1, 1), 8, 0, zlib.compress(b"\0\0"), chunk(b"iCCP", b"x\0\0" + zeros(megabytes << 20)))


def text_bomb_png(chunks: int = 100, megabytes: int = 50) -> bytes:
    """A small PNG with comments that unpack to `chunks` times that many megabytes."""
    comment = chunk(b"zTXt", b"x\0\0" + zeros(megabytes << 20))
    return png((1, 1), 8, 0, zlib.compress(b"\0\0"), comment * chunks)


def zeros(count: int) -> bytes:
    """What unpacks to that many zero bytes (zlib, RFC 1950), made without packing them all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    mebibyte = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(bytes(count % (1 << 20))) + packer.flush()
    checksum = struct.pack(">HH", count % 65521, 1)  # Adler-32 of zeros
    return b"\x78\xda" + mebibyte * (count >> 20) + rest + checksum


# --- PDF


def pdf(
    pages: int = 1, size: tuple[float, float] = A4, draw: Callable[[Canvas, int], None] | None = None, **options: Any
) -> bytes:
    """A PDF of text pages that say "Page 1" and so on, or what `draw(canvas, number)` puts on them; points."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=size, **options)
    for number in range(1, pages + 1):
        if draw:
            draw(canvas, number)
        else:
            canvas.setFont("Helvetica", 36)
            canvas.drawString(72, size[1] - 108, f"Page {number}")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def text_pdf(*texts: str, font_size: int = 14) -> bytes:
    """A PDF with a page for each text, set line by line in Helvetica (Latin letters only)."""

    def draw(canvas: Canvas, number: int) -> None:
        block = canvas.beginText(72, A4[1] - 72)
        block.setFont("Helvetica", font_size)
        block.textLines(texts[number - 1])
        canvas.drawText(block)

    return pdf(len(texts), draw=draw)


def scanned_pdf(images: Iterable[Image.Image], dpi: int = 200) -> bytes:
    """A PDF whose pages are pictures only, as a scanner makes them."""
    first, *others = images
    return encode(first, "PDF", save_all=True, append_images=others, resolution=dpi)


def changed_pdf(data: bytes, change: Callable[[PdfWriter], None]) -> bytes:
    """The PDF after `change` was made to it with pypdf."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    change(writer)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def encrypted_pdf(user: str, owner: str) -> bytes:
    """A PDF that opens with the `user` password; "" opens for everybody, as a PDF that only an owner protects."""
    return changed_pdf(pdf(), lambda writer: writer.encrypt(user, owner, algorithm="RC4-128"))


def truncated_pdf(keep: float = 0.5) -> bytes:
    """The first part of a PDF, cut off in the middle of its first objects."""
    data = pdf()
    return data[: int(len(data) * keep)]


def rotated_pdf(degrees: int, size: tuple[float, float] = (200, 100)) -> bytes:
    """A page whose top left quarter is red before it is turned clockwise by `degrees`."""

    def draw(canvas: Canvas, _: int) -> None:
        canvas.setFillColor("red")
        canvas.rect(0, size[1] / 2, size[0] / 2, size[1] / 2, stroke=0, fill=1)

    def turn(writer: PdfWriter) -> None:
        writer.pages[0].rotate(degrees)

    return changed_pdf(pdf(1, size, draw), turn)


def cropped_pdf(size: tuple[float, float], crop: tuple[float, float, float, float]) -> bytes:
    """A page of which only `crop`, left, bottom, right and top in points, is to be seen."""

    def cut(writer: PdfWriter) -> None:
        writer.pages[0].cropbox = RectangleObject(crop)

    return changed_pdf(pdf(1, size), cut)


def sized_pdf(*box: str) -> bytes:
    """A page whose media box is what is written in `box`, numbers or not."""
    return raw_pdf({3: f"<< /Type /Page /Parent 2 0 R /MediaBox [{' '.join(box)}] >>"})


def annotated_pdf() -> bytes:
    """A blank page with an annotation: text on a red ground in the middle."""

    def annotate(writer: PdfWriter) -> None:
        note = FreeText(text="note", rect=(50, 25, 150, 75), background_color="ff0000", border_color="ff0000")
        appearance = writer._add_object(_red_form())
        note[NameObject("/AP")] = _dictionary({"/N": appearance})
        writer.add_annotation(0, note)

    return changed_pdf(pdf(1, (200, 100), lambda *_: None), annotate)


def _red_form() -> Any:

    form = DecodedStreamObject()
    form.set_data(b"1 0 0 rg 0 0 100 50 re f")
    form.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): RectangleObject((0, 0, 100, 50)),
        }
    )
    return form


def _dictionary(entries: Mapping[str, Any]) -> Any:

    return DictionaryObject({NameObject(key): value for key, value in entries.items()})


def form_pdf(value: str = "filled in") -> bytes:
    """A page with a text field that is filled in and takes the whole page."""

    def draw(canvas: Canvas, _: int) -> None:
        canvas.acroForm.textfield(
            value=value, x=10, y=10, width=180, height=80, fontSize=30, fillColor=None, borderWidth=0, name="field"
        )

    return pdf(1, (200, 100), draw)


def raw_pdf(objects: Mapping[int, str] | None = None, trailer: str = "") -> bytes:
    """A one-page PDF written by hand; `objects` replace 1 the catalogue, 2 the page tree or 3 the page, or add others."""
    bodies = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>",
        **(objects or {}),
    }
    data = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in bodies.items():
        places.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    start = len(data)
    data += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n".encode()
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(data)


def million_page_pdf(count: int = 1_000_000) -> bytes:
    """A PDF that claims `count` pages and has one."""
    return raw_pdf({2: f"<< /Type /Pages /Kids [3 0 R] /Count {count} >>"})


def empty_pdf() -> bytes:
    """A PDF without pages."""
    return raw_pdf({2: "<< /Type /Pages /Kids [] /Count 0 >>"})


def damaged_page_pdf() -> bytes:
    """A PDF of three pages of which the second is no page."""
    return raw_pdf(
        {
            2: "<< /Type /Pages /Kids [3 0 R 4 0 R 5 0 R] /Count 3 >>",
            4: "(this is no page)",
            5: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] >>",
        }
    )


def heavy_pdf(megabytes: int, pages: int) -> bytes:
    """A PDF with that many megabytes of page content, none of which draws anything."""
    blank = b" " * ((megabytes << 20) // pages)

    def fill(writer: PdfWriter) -> None:
        for page in writer.pages:
            content = DecodedStreamObject()
            content.set_data(blank)
            page[NameObject("/Contents")] = writer._add_object(content)

    return changed_pdf(pdf(pages, (20, 20), lambda *_: None), fill)


def endless_pdf(pages: int = 3, slow: int = 2) -> bytes:
    """A PDF whose page `slow` draws a form that draws a form …, ten times each: it would take years."""
    depth = 12
    first = 3 + pages
    objects = {2: f"<< /Type /Pages /Kids [{' '.join(f'{3 + n} 0 R' for n in range(pages))}] /Count {pages} >>"}
    for number in range(1, pages + 1):
        drawn = (
            f"/Contents {first + depth} 0 R /Resources << /XObject << /F {first} 0 R >> >>" if number == slow else ""
        )
        objects[2 + number] = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] {drawn} >>"
    for level in range(depth):
        inner = "/F Do " * 10 if level < depth - 1 else "0 0 m 200 100 l S " * 10
        resources = f"/Resources << /XObject << /F {first + level + 1} 0 R >> >>" if level < depth - 1 else ""
        head = f"<< /Type /XObject /Subtype /Form /BBox [0 0 200 100] {resources} /Length {len(inner)} >>"
        objects[first + level] = f"{head}\nstream\n{inner}\nendstream"
    objects[first + depth] = "<< /Length 5 >>\nstream\n/F Do\nendstream"
    return raw_pdf(objects)
