"""HTML tables in Markdown as pipe tables, standard library only."""

import re
from html import escape

from server.layout.tables_html import rows_of

_START, _END = re.compile(r"<table\b"), "</table>"


def tables_as_markdown(markdown: str) -> str:
    """The Markdown with its HTML tables as pipe tables; one that holds a figure stays HTML, which alone can show it."""
    parts: list[str] = []
    done = 0
    while (start := _START.search(markdown, done)) and (end := markdown.find(_END, start.end())) >= 0:
        html = markdown[start.start() : end + len(_END)]
        parts += markdown[done : start.start()], html if "<img" in html else _pipe_table(html)
        done = end + len(_END)
    return "".join(parts) + markdown[done:]


def _pipe_table(html: str) -> str:
    rows = rows_of(html)
    if not rows:
        return ""
    width = max(map(len, rows))
    lines = ["| " + " | ".join(_cell(text) for text in row + [""] * (width - len(row))) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * width)
    return "\n" + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return escape(text, quote=False).replace("|", "\\|").replace("\n", "<br>")
