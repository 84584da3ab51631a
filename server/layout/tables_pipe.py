"""HTML tables in Markdown as pipe tables, standard library only."""

import re
from html import escape

from server.layout.tables_html import rows_of

_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)


def tables_as_markdown(markdown: str) -> str:
    """The Markdown with its HTML tables as pipe tables; one that holds a figure stays HTML, which alone can show it."""
    return _TABLE.sub(lambda found: found[0] if "<img" in found[0] else _pipe_table(found[0]), markdown)


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
