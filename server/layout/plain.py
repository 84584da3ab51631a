"""A block as plain text, standard library only."""

from server.documents import Block, BlockFormat
from server.layout.tables_html import rows_of


def plain(block: Block) -> str:
    """Its text: a table's rows as lines with tabs between the cells, nothing for a figure."""
    match block.format:
        case BlockFormat.IMAGE:
            return ""
        case BlockFormat.TABLE_HTML:
            return "\n".join("\t".join(cell.replace("\n", " ") for cell in row) for row in rows_of(block.content))
    return block.content
