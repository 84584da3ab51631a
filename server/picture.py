"""A page as a picture for people to look at. Runs in the page pool's child."""

from pathlib import Path

from PIL import Image, PpmImagePlugin, WebPImagePlugin  # noqa: F401 the plugins register themselves

from server.render import Pages, render_page

_QUALITY = 80
_METHOD = 2  # of 0 to 6, from the fastest to the smallest
_MAX_SIDE = 16_383  # of a WebP (developers.google.com/speed/webp/docs/riff_container)


def write_picture(pages: Pages, number: int, width: int | None, target: Path) -> None:
    """Write page `number`, counted from 1, as WebP `width` px wide, never larger than it is read.

    Raises as `render_page` does.
    """
    raw = target.with_suffix(".ppm")
    render_page(pages, number, raw)
    with Image.open(raw, formats=["PPM"]) as page:
        scale = min(1.0, (width or page.width) / page.width, _MAX_SIDE / max(page.size))
        size = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
        image = page.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0) if size != page.size else page.copy()
    raw.unlink()
    image.save(target, "WEBP", quality=_QUALITY, method=_METHOD)
