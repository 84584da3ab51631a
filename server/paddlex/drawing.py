"""A page as a picture, and once more with its regions drawn in. Runs in the page pool's child.

The drawing is our own; PaddleX names its picture `layout_det_res` too.
"""

import zlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, PpmImagePlugin  # noqa: F401 the plugin registers itself

from server.render import Pages, render_page

_LONGEST = 2000  # px, as in PaddleX's server
_QUALITY = 85
_COLOURS = ("#c0392b", "#2471a3", "#1e8449", "#b9770e", "#7d3c98", "#117a65", "#a04000", "#34495e")

Region = tuple[str, tuple[int, int, int, int]]


def draw_page(pages: Pages, number: int, regions: Sequence[Region], plain: Path, marked: Path) -> None:
    """Write page `number`, counted from 1, as JPEG; regions are (type, bbox in px) in reading order.

    Raises as `render_page` does.
    """
    raw = plain.with_suffix(".ppm")
    render_page(pages, number, raw)
    with Image.open(raw, formats=["PPM"]) as page:
        scale = min(1.0, _LONGEST / max(page.size))
        image = page.resize((max(1, round(page.width * scale)), max(1, round(page.height * scale))))
    raw.unlink()
    image.save(plain, "JPEG", quality=_QUALITY)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(10, image.width // 60))
    for order, (kind, bbox) in enumerate(regions, 1):
        x0, y0, x1, y1 = (value * scale for value in bbox)
        colour = _COLOURS[zlib.crc32(kind.encode()) % len(_COLOURS)]
        draw.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), outline=colour, width=2)
        label = f"{order} {kind}".encode("ascii", "replace").decode()
        draw.rectangle(draw.textbbox((x0, y0), label, font=font), fill=colour)
        draw.text((x0, y0), label, fill="white", font=font)
    image.save(marked, "JPEG", quality=_QUALITY)
