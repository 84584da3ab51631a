"""Pages looked at together, as PaddleX's `restructure_pages` does: tables, headings' levels, all pages as one.

Source: PaddleX 3.7, inference/pipelines/paddleocr_vl/pipeline.py.
"""

from collections.abc import Sequence

from server.paddlex.blocks import Sheet
from server.paddlex.tables import join_tables
from server.paddlex.titles import relevel


def restructure(sheets: Sequence[Sheet], *, merge_tables: bool, relevel_titles: bool) -> None:
    """Number the blocks over all pages; join tables and work out headings where that is asked for."""
    for number, block in enumerate(block for sheet in sheets for block in sheet.blocks):
        block.id = block.group = number
    if merge_tables:
        join_tables([sheet.blocks for sheet in sheets])
    if relevel_titles:
        relevel(block for sheet in sheets for block in sheet.blocks)


def concatenated(sheets: Sequence[Sheet]) -> Sheet:
    """All pages as one, with the first one's settings and size. There is at least one."""
    settings = sheets[-1].settings
    result = {**sheets[0].result, "page_count": len(sheets)}
    for wanted, key in (("use_layout_detection", "layout_det_res"), ("use_doc_preprocessor", "doc_preprocessor_res")):
        if settings.get(wanted):
            result[key] = [sheet.result.get(key) for sheet in sheets]
    return Sheet([block for sheet in sheets for block in sheet.blocks], result)
