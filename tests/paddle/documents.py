"""Pages that the tiny layout model finds its regions on."""

import io
from collections.abc import Collection

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

_REGIONS = {
    "title": (0.08, 0.03, 0.92, 0.09),
    "left": (0.08, 0.12, 0.48, 0.30),
    "right": (0.52, 0.12, 0.92, 0.30),
    "table": (0.08, 0.34, 0.55, 0.56),
    "in_table": (0.62, 0.44, 0.78, 0.50),
    "formula": (0.20, 0.60, 0.80, 0.66),
    "chart": (0.08, 0.70, 0.30, 0.80),
    "seal": (0.40, 0.70, 0.60, 0.80),
    "figure": (0.08, 0.84, 0.45, 0.93),
    "number": (0.48, 0.95, 0.52, 0.98),
}
EVERYTHING = tuple(_REGIONS)


def page(words: str, regions: Collection[str] = EVERYTHING, size: tuple[int, int] = (640, 900)) -> Image.Image:
    """A page with these words in each of the regions, other ones in every region."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=size[1] // 50)
    for region in regions:
        x0, y0, x1, y1 = _REGIONS[region]
        left, top, right, bottom = x0 * size[0], y0 * size[1], x1 * size[0], y1 * size[1]
        lines = [f"{region} {words}"[:: 1 + line % 2] for line in range(max(1, int((bottom - top) // 22)))]
        text = Image.new("RGB", (int(right - left), int(bottom - top)), "white")
        ImageDraw.Draw(text).multiline_text((2, 0), "\n".join(lines), fill="black", font=font)
        image.paste(text, (int(left), int(top)))
        if region in {"figure", "chart", "seal", "in_table"}:
            draw.rectangle((left + 4, top + 4, right - 4, bottom - 4), outline="black", width=3)
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pdf(*images: Image.Image) -> bytes:
    """A PDF of A4 pages, each filled by one image."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, A4, invariant=1)
    for image in images:
        canvas.drawImage(ImageReader(image), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()
