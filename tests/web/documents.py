"""Documents of the tests of the page, handed in without it."""

import io

from reportlab.lib import colors
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Table

from tests.contract.jobs import ended
from tests.contract.running import Server


def report() -> bytes:
    """Two pages: a title, paragraphs and a table; then more text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, A5)
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(40, 540, "Harbour Report")
    canvas.setFont("Helvetica", 12)
    canvas.drawString(40, 505, "The ferry Aurora arrived at noon with forty crates.")
    canvas.drawString(40, 488, "Nobody was waiting for them on the pier.")
    rows = [["Goods", "Crates", "Weight"], ["Apples", "25", "300 kg"], ["Lamps", "15", "120 kg"]]
    table = Table(rows, [120, 90, 90], 24)
    table.setStyle([("GRID", (0, 0), (-1, -1), 1, colors.black), ("FONTSIZE", (0, 0), (-1, -1), 12)])
    table.wrapOn(canvas, 300, 200)
    table.drawOn(canvas, 40, 380)
    canvas.showPage()
    canvas.setFont("Helvetica", 12)
    canvas.drawString(40, 540, "Signed by the harbour master.")
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def handed_in(server: Server, data: bytes, name: str = "report.pdf", **options: str) -> str:
    """A finished job of a document that stays; its id."""
    reply = server.client.post("/jobs", files={"file": (name, data)}, data={"keep_document": "true", **options})
    assert reply.status_code == 202, reply.text
    job: str = ended(server.client, reply.json())["id"]
    return job
