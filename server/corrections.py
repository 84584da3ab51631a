"""A page as its engine read it, and what people wrote instead → the page that says so everywhere. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from server.block_markdown import letters_of, removed, renumbered, replaced, whole, widened
from server.block_places import Letters, Span, places
from server.documents import Block, Page
from server.layout.plain import plain

_ASIDES = {"header", "footer", "number", "footnote", "vision_footnote", "aside_text"}
_NUMBER = "formula_number"
_GAP = "\n\n"
_Edit = tuple[Span, str]


def corrected(page: Page, contents: Mapping[int, str]) -> Page:
    """The page with these contents for blocks, by their order: in its blocks, its Markdown and its text.

    A block that the engine leaves out of Markdown and text, such as a page's number, stays out. What was recognised is
    kept as `original`; the page's confidence stays that of what was recognised.
    """
    if not contents:
        return page
    blocks = [
        replace(block, content=contents[block.order], original=block.content) if block.order in contents else block
        for block in page.blocks
    ]
    hidden = _hidden_labels(page)
    shown = [block.type not in hidden for block in page.blocks]
    asides = {index for index, block in enumerate(page.blocks) if block.type in _ASIDES}
    texts = [(Letters.of(plain(block), is_markup=False).text,) for block in page.blocks]
    in_text = places(page.text, _where(shown, texts), is_markup=False, asides=asides)
    changed = [index for index, block in enumerate(blocks) if block.original is not None and shown[index]]
    text = _edited(page.text, [_in_text(page, index, blocks[index], in_text) for index in changed])
    return replace(
        page,
        blocks=tuple(blocks),
        text=text,
        markdown=_markdown(page, blocks, changed, shown, in_text, asides),
        original=page.text,
    )


def _markdown(  # noqa: PLR0913 what is known of the blocks
    page: Page,
    blocks: Sequence[Block],
    changed: Sequence[int],
    shown: Sequence[bool],
    in_text: Sequence[Span | None],
    asides: Collection[int],
) -> str:
    """The Markdown with those blocks changed in their places; where these cannot be told, made anew of all blocks."""
    is_plain = page.is_plain
    forms = [letters_of(block, is_plain=is_plain) for block in page.blocks]
    found = places(page.markdown, _where(shown, forms), is_markup=True, asides=asides)
    edits: list[_Edit | None] = []
    for index in changed:
        old, new, span = page.blocks[index], blocks[index], found[index]
        if span is None and in_text[index] is None:
            written = [whole(old, is_plain=is_plain), old.content]
            edits.append(_at_gap(page.markdown, index, written, whole(new, is_plain=is_plain), found))
            continue
        if old.type == _NUMBER and span is None:
            edit = renumbered(page.markdown, _end_before(found, index), new.content)
        else:
            edit = replaced(page.markdown, span, old, new, is_plain=is_plain) if span else None
        if edit is None:
            return _anew(page, blocks, in_text, is_plain)
        edits.append(edit if edit[1] or old.type == _NUMBER else (removed(page.markdown, edit[0]), ""))
    return _edited(page.markdown, edits)


def _anew(page: Page, blocks: Sequence[Block], in_text: Sequence[Span | None], is_plain: bool) -> str:
    parts = [
        whole(new, is_plain=is_plain)
        for old, new, place in zip(page.blocks, blocks, in_text, strict=True)
        if place or not any(map(str.isalnum, plain(old)))  # what has no letters, figures too, has no place
    ]
    return _GAP.join(filter(None, parts))


def _in_text(page: Page, index: int, new: Block, found: Sequence[Span | None]) -> _Edit | None:
    was, now, span = plain(page.blocks[index]), plain(new), found[index]
    if span is None:
        return _at_gap(page.text, index, [was], now, found)
    span = widened(page.text, span, was, is_plain=True, is_escaped=False)
    return (span, now) if now.strip() else (removed(page.text, span), "")


def _at_gap(text: str, index: int, written: Sequence[str], now: str, found: Sequence[Span | None]) -> _Edit | None:
    """For a block without letters, between its neighbours: where it is `written`; else, if it had nothing, behind the first.

    None for a block that is not there.
    """
    before = _end_before(found, index)
    after = next((span[0] for span in found[index + 1 :] if span), len(text))
    for each in filter(None, map(str.strip, written)):
        if (start := text.find(each, before, after)) >= 0:
            span = start, start + len(each)
            return (span, now) if now.strip() else (removed(text, span), "")
    if any(map(str.strip, written)) or not now.strip():
        return None
    if not before:
        return (0, 0), now + _GAP if text else now
    end = text.find("\n", before)
    place = len(text) if end < 0 else end
    return (place, place), _GAP + now


def _end_before(found: Sequence[Span | None], index: int) -> int:
    return next((span[1] for span in reversed(found[:index]) if span), 0)


def _edited(text: str, edits: Iterable[_Edit | None]) -> str:
    now = text
    for (start, end), new in sorted(filter(None, edits), key=lambda edit: edit[0])[::-1]:
        now = now[:start] + new + now[end:]
    return now if text.endswith("\n") else now.rstrip("\n")  # gaps before what is not there any more


def _where(shown: Sequence[bool], forms: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Of blocks that are not shown nothing is looked for."""
    return [form if seen else () for seen, form in zip(shown, forms, strict=True)]


def _hidden_labels(page: Page) -> Collection[str]:
    """The types of blocks that PaddleX leaves out of the Markdown."""
    settings = (page.engine_result or {}).get("model_settings", {})
    return set(settings.get("markdown_ignore_labels", ()))
