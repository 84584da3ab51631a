"""Make scripts/verify/page.png and page.txt: the page that every model reads when an image is verified."""

import io
from pathlib import Path

import pypdfium2
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

TARGET = Path(__file__).parent / "verify"
_DPI = 144

_TITLE = "Delivery note 4071"
_LINES = (
    "This page is read whenever an image is built, by every model",
    "that the image holds. Nothing on it is secret and nothing on",
    "it is hard: printed letters, black on white, in one column.",
    "",
    "The crate holds 12 lamps, 48 wicks and 3 barrels of oil. It",
    "left the harbour on 7 March at 06:15 and reached the island",
    "on the same day. Weight: 385 kg. Paid in full: 1,264.50.",
    "",
    "Whoever reads this can read without a line to the mainland.",
)


def main() -> None:
    """Write both files."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A5)
    _, height = A5
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(40, height - 70, _TITLE)
    canvas.setFont("Helvetica", 12)
    for number, line in enumerate(_LINES):
        canvas.drawString(40, height - 110 - 18 * number, line)
    canvas.save()
    page = pypdfium2.PdfDocument(buffer.getvalue())[0]
    page.render(scale=_DPI / 72).to_pil().convert("L").save(TARGET / "page.png", optimize=True)
    (TARGET / "page.txt").write_text("\n".join([_TITLE, "", *_LINES]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
