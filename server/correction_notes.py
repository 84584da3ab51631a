"""What exports say of corrections: which blocks somebody has changed. Pure."""

from collections.abc import Iterator

from server.documents import Block, Document

COLUMNS = ("page", "block", "recognised", "corrected")


def corrected_blocks(document: Document) -> Iterator[tuple[int, Block]]:
    """Each block that was corrected, with its page's number."""
    for page in document.pages:
        for block in page.blocks:
            if block.original is not None:
                yield page.number, block


def rows(document: Document) -> list[tuple[int, int, str | None, str]]:
    """Every correction in the order of `COLUMNS`; blocks as people count them, from 1."""
    return [(number, block.order + 1, block.original, block.content) for number, block in corrected_blocks(document)]


def note(document: Document) -> str | None:
    """The corrections in a sentence without any word of the document; None where there is none."""
    by_page: dict[int, list[int]] = {}
    for number, block in corrected_blocks(document):
        by_page.setdefault(number, []).append(block.order + 1)
    told = [
        f"page {number}, {'block' if len(orders) == 1 else 'blocks'} {', '.join(map(str, orders))}"
        for number, orders in by_page.items()
    ]
    return f"Corrected by hand: {'; '.join(told)}. Blocks are counted in reading order, from 1." if told else None
