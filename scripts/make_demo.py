"""Make demo/document.pdf, the document that `make demo` sends: a heading, two columns, a table, a list, a figure."""

from pathlib import Path

from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    FrameBreak,
    ListFlowable,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

TARGET = Path(__file__).parents[1] / "demo" / "document.pdf"

_BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=11, leading=14.5, spaceAfter=8)
_TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=24, leading=30, spaceAfter=10)
_HEADING = ParagraphStyle("heading", fontName="Helvetica-Bold", fontSize=15, leading=19, spaceBefore=10, spaceAfter=6)

_LEFT = (
    "A lighthouse keeper writes every evening: the weather, the ships that passed, the oil that was burned. After "
    "forty years the books fill a cupboard, and nobody can search them.",
    "Scanning turns the cupboard into pictures. Recognition turns the pictures into text again, and only text can be "
    "searched, counted and quoted.",
)
_RIGHT = (
    "The keeper has no line to the mainland. Whatever reads the books must be on the island before the winter "
    "storms begin, complete and checked, because nothing can be fetched later.",
    "That is the whole idea of this service: everything that it needs is inside it, and it says so when something "
    "is missing.",
)
_LOG = (
    ("Month", "Ships seen", "Oil, litres", "Storm days"),
    ("October", "118", "264", "3"),
    ("November", "97", "301", "7"),
    ("December", "64", "355", "11"),
    ("January", "58", "372", "14"),
    ("Total", "337", "1292", "35"),
)
_STEPS = (
    "Send the document with a bearer token.",
    "Each page is rendered, read and put in reading order.",
    "Markdown, text, tables and boxes come back in one reply.",
)


def _chart() -> Drawing:
    drawing = Drawing(120 * mm, 45 * mm)
    for index, (month, ships, *_) in enumerate(_LOG[1:5]):
        left = index * 30 * mm
        drawing.add(Rect(left, 6 * mm, 18 * mm, int(ships) / 4 * mm, fillColor=colors.steelblue, strokeColor=None))
        drawing.add(String(left + 2 * mm, 1 * mm, month[:3], fontName="Helvetica", fontSize=9))
    return drawing


def main() -> None:
    """Write the document; the same bytes each time."""
    width, height = A4
    margin, gutter, top = 22 * mm, 8 * mm, 42 * mm
    column = (width - 2 * margin - gutter) / 2
    head = Frame(margin, height - margin - top, width - 2 * margin, top, 0, 0, 0, 0)
    columns = [
        Frame(margin + index * (column + gutter), margin, column, height - 2 * margin - top, 0, 0, 0, 0)
        for index in range(2)
    ]
    whole = Frame(margin, margin, width - 2 * margin, height - 2 * margin, 0, 0, 0, 0)
    document = BaseDocTemplate(str(TARGET), pagesize=A4, title="The Keeper's Books", invariant=1)
    document.addPageTemplates([PageTemplate("columns", [head, *columns]), PageTemplate("whole", [whole])])
    rows = Table(_LOG, colWidths=[38 * mm] * 4, hAlign="LEFT")
    rows.setStyle(
        [
            ("FONT", (0, 0), (-1, -1), "Helvetica", 11),
            ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 11),
            ("GRID", (0, 0), (-1, -1), 0.8, colors.black),
            ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        ]
    )
    items = ListFlowable([Paragraph(step, _BODY) for step in _STEPS], bulletType="1", bulletFormat="%s.")
    document.build(
        [
            NextPageTemplate("whole"),
            Paragraph("The Keeper's Books", _TITLE),
            Paragraph("How an archive on an island without a network can be read by a machine.", _BODY),
            FrameBreak(),
            Paragraph("The cupboard", _HEADING),
            *(Paragraph(text, _BODY) for text in _LEFT),
            FrameBreak(),
            Paragraph("The island", _HEADING),
            *(Paragraph(text, _BODY) for text in _RIGHT),
            PageBreak(),
            Paragraph("One winter in numbers", _HEADING),
            rows,
            Spacer(1, 6 * mm),
            Paragraph("How a page is read", _HEADING),
            items,
            Paragraph("Ships seen, month by month", _HEADING),
            _chart(),
        ]
    )


if __name__ == "__main__":
    main()
