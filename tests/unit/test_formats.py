"""A Document in every form: complete, and harmless wherever it is opened."""

import base64
import csv
import io
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.documents import Block, BlockFormat, Document, FileType, Page, Verdict
from server.formats import archive, combined_text, csv_tables, html, markdown, plain_text
from server.layout.tables_html import Cell, to_html
from server.settings import Settings
from server.spreadsheet import workbook

HEADER = Settings.model_fields["page_header"].default
SEPARATOR = Settings.model_fields["page_separator"].default

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


def block(content: str, form: BlockFormat = BlockFormat.TEXT, kind: str = "text") -> Block:
    """A region somewhere on a page."""
    return Block(kind, (0, 0, 10, 10), content, form, 0)


def table(*rows: list[str]) -> Block:
    """A table's block."""
    cells = [Cell(y, x, text) for y, row in enumerate(rows) for x, text in enumerate(row)]
    return block(to_html(cells), BlockFormat.TABLE_HTML, "table")


def page(number: int, *blocks: Block, **fields: object) -> Page:
    """A page of these blocks; its text and its Markdown say which page it is."""
    values = {"text": f"text {number}", "markdown": f"markdown {number}", "blocks": blocks, **fields}
    return Page(number, 100, 100, **values)  # type: ignore[arg-type]


def document(*pages: Page) -> Document:
    """A PDF of these pages."""
    return Document(FileType.PDF, len(pages), pages)


FAILED = Page(2, 0, 0, verdict=Verdict.FAILED, error="The page is damaged.")
BLANK = Page(3, 10, 10, verdict=Verdict.BLANK)


# --- text


def test_the_combined_text_has_a_header_over_each_page_and_a_separator_between_them() -> None:
    found = combined_text(document(page(1), page(7)), HEADER, SEPARATOR)

    assert found == "[Страница 1]\ntext 1\n\n--- СТРАНИЦА РАЗДЕЛИТЕЛЬ ---\n\n[Страница 7]\ntext 7"


def test_a_header_may_hold_braces_and_no_number() -> None:
    assert combined_text(document(page(1)), "{} {page} {page} {x}", "-") == "{} 1 1 {x}\ntext 1"
    assert combined_text(document(page(1), page(2)), "PAGE", "=") == "PAGE\ntext 1\n\n=\n\nPAGE\ntext 2"


def test_plain_text_has_a_form_feed_between_pages() -> None:
    assert plain_text(document(page(1), page(2))) == "text 1\n\ftext 2"


# --- Markdown


def test_markdown_has_a_thematic_break_between_pages_and_none_for_a_blank_one() -> None:
    assert markdown(document(page(1), BLANK, page(4))) == "markdown 1\n\n---\n\nmarkdown 4"


def test_a_failed_page_leaves_a_comment_in_markdown() -> None:
    found = markdown(document(page(1), FAILED))

    assert found == "markdown 1\n\n---\n\n<!-- page 2 could not be read: The page is damaged. -->"


@given(st.text("->! <x", max_size=12) | texts)
@example("an arrow ---> here")
@example("-")
def test_no_error_text_can_end_the_comment(error: str) -> None:
    found = markdown(document(Page(2, 0, 0, verdict=Verdict.FAILED, error=error)))

    inside = found.removeprefix("<!--").removesuffix("-->")
    assert "--" not in inside
    assert not inside.endswith("-")


# --- HTML


class _Seen(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text: dict[str, list[str]] = {}
        self._tag = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.tags.append(tag)
        self.text.setdefault(tag, []).append("")
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        if self._tag:
            self.text[self._tag][-1] += data


OUR_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "section", "p", "h1", "h2", "pre", "br"),
    *("table", "tr", "td", "figure", "img"),
}
HOSTILE = '<script>alert(1)</script><img src="https://evil.example/x" onerror=alert(1)>&amp;</p></title></pre></td>'


@given(texts)
def test_text_of_a_document_stays_text(text: str) -> None:
    seen = _Seen(
        html(document(page(1, block(text), block(text, kind="doc_title"), block(text, BlockFormat.LATEX))), text)
    )

    assert set(seen.tags) <= OUR_TAGS
    for tag in ("p", "h1", "title", "pre"):
        assert seen.text[tag][0].rstrip("\n") == text


def test_hostile_text_stays_text_everywhere() -> None:
    blocks = [
        *(block(HOSTILE, kind=kind) for kind in ("text", "doc_title", "paragraph_title", "<script>")),
        block(HOSTILE, BlockFormat.LATEX),
        block(HOSTILE, BlockFormat.IMAGE),
        table([HOSTILE, "b"]),
        block(f"<table><tr><td>{HOSTILE}</td></tr></table>", BlockFormat.TABLE_HTML),
    ]
    seen = _Seen(html(document(page(1, *blocks)), HOSTILE))

    assert set(seen.tags) <= OUR_TAGS
    assert seen.tags.count("img") == 1
    assert all(address.startswith("data:image/png;base64,") for address in seen.addresses)
    assert seen.text["title"] == [HOSTILE]
    assert seen.text["td"][0] == HOSTILE


def test_html_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "crop.png").write_bytes(b"png bytes")
    figure = page(1, block("figure_1.png", BlockFormat.IMAGE), images={"figure_1.png": tmp_path / "crop.png"})
    found = html(document(figure), "t")

    assert _Seen(found).addresses == ["data:image/png;base64," + base64.b64encode(b"png bytes").decode()]
    assert "url(" not in found
    assert "@import" not in found


def test_html_shows_headings_tables_and_lines() -> None:
    blocks = (
        block("Title", kind="doc_title"),
        block("Chapter", kind="paragraph_title"),
        block("one\ntwo"),
        table(["a", "b"], ["1", "2"]),
    )
    assert html(document(page(5, *blocks)), "t & u") == (
        '<!doctype html>\n<html><head><meta charset="utf-8"><title>t &amp; u</title>'
        "<style>body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}"
        "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.2em .5em}img{max-width:100%}"
        "section+section{border-top:1px solid #999}</style></head>\n<body>\n"
        '<section data-page="5">\n<h1>Title</h1>\n<h2>Chapter</h2>\n<p>one<br>two</p>\n'
        "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>\n</section>\n</body></html>\n"
    )


# --- CSV


def test_tables_of_all_pages_follow_each_other_with_an_empty_line_between_them() -> None:
    found = csv_tables(document(page(1, table(["a", "b"], ["1", "2"]), block("text")), page(2, table(["c, d", 'e"f']))))

    assert found == 'a,b\r\n1,2\r\n\r\n"c, d","e""f"\r\n'


def test_without_a_table_there_is_no_csv() -> None:
    assert csv_tables(document(page(1, block("a,b")), FAILED)) == ""


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "@SUM(A1)", "+A1", "-A1", "=HYPERLINK(1)", "+cmd|' /C calc'!A0", "-2+cmd|' /C calc'!A0", "＝"],
)
def test_a_formula_is_no_formula_in_the_csv(cell: str) -> None:
    [[found]] = csv.reader(io.StringIO(csv_tables(document(page(1, table([cell]))))))

    assert found == (cell if cell == "＝" else "'" + cell)


@pytest.mark.parametrize("cell", ["-5", "+7 (495) 123-45-67", "-1 250,00", "-12.5%", "−5", "a=b", "1-2", "", "'x"])
def test_numbers_and_words_stay_as_they_are(cell: str) -> None:
    [[found]] = csv.reader(io.StringIO(csv_tables(document(page(1, table([cell]))))))

    assert found == cell


@given(
    st.lists(st.lists(st.text("=+-@\t1a,\"'; (", max_size=6) | texts, min_size=2, max_size=2), min_size=1, max_size=3)
)
def test_no_cell_of_the_csv_begins_as_a_formula_with_letters(rows: list[list[str]]) -> None:
    found = list(csv.reader(io.StringIO(csv_tables(document(page(1, table(*rows)))))))

    assert [len(row) for row in found] == [2] * len(rows)
    for cell in (cell for row in found for cell in row):
        assert not cell.startswith(("=", "@", "\t", "\r"))
        if cell.startswith(("+", "-")):
            assert not re.search(r"[A-Za-z=|!]", cell)


# --- zip


def _opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        assert found.testzip() is None
        assert len(found.namelist()) == len(set(found.namelist()))
        return {name: found.read(name) for name in found.namelist()}


def test_the_zip_holds_every_form_and_a_csv_for_each_table() -> None:
    whole = document(page(1, table(["a"]), table(["b"])), FAILED, page(4, table(["c"])))
    found = _opened(archive(whole, "Договор.pdf", '{"a":"ё"}'))
    assert found.pop("tables.xlsx") == workbook(whole)

    assert found == {
        "document.md": markdown(whole).encode(),
        "document.json": '{"a":"ё"}'.encode(),
        "document.txt": plain_text(whole).encode(),
        "document.html": html(whole, "Договор.pdf").encode(),
        "tables/page_1_table_1.csv": b"a\r\n",
        "tables/page_1_table_2.csv": b"b\r\n",
        "tables/page_4_table_3.csv": b"c\r\n",
    }


def test_fields_are_in_the_zip_where_there_are_some() -> None:
    whole = document(page(1, block("=A: 1\nTotal: =1+1\nDate: 2024-01-05")))
    found = _opened(archive(whole, "t", "{}"))

    assert found["fields.csv"].decode() == (
        "name,value,page,bbox,confidence\r\nTotal,'=1+1,1,0 3 10 6,\r\nDate,2024-01-05,1,0 6 10 10,\r\n"
    )
    assert found["tables.xlsx"] == workbook(whole)
    assert {"fields.csv", "tables.xlsx"}.isdisjoint(_opened(archive(document(page(1, block("words"))), "t", "{}")))


def test_every_figure_that_the_markdown_names_is_the_right_one_in_the_zip(tmp_path: Path) -> None:
    pages = []
    for number in (1, 2):
        (crop := tmp_path / f"crop_{number}.png").write_bytes(b"figure of page %d" % number)
        name = f"images/page_{number}_figure_1.png"
        pages.append(
            page(number, block(name, BlockFormat.IMAGE, "image"), images={name: crop}, markdown=f"![]({name})")
        )
    found = _opened(archive(document(*pages), "t", "{}"))

    named = re.findall(r"!\[\]\(([^)]+)\)", found["document.md"].decode())
    assert [found[name] for name in named] == [b"figure of page 1", b"figure of page 2"]
    assert {name for name in found if name.startswith("images/")} == set(named)


def test_figures_of_one_name_on_several_pages_are_kept_apart_in_the_zip(tmp_path: Path) -> None:
    """PaddleX names a figure by its place on the page, and every page of a form has one there."""
    pages, name = [], "imgs/img_in_image_box_1_2_3_4.jpg"
    for number in (1, 2, 3):
        (crop := tmp_path / f"crop_{number}.jpg").write_bytes(b"figure of page %d" % number)
        figure = block(name, BlockFormat.IMAGE, "image")
        pages.append(page(number, figure, images={name: crop}, markdown=f'<img src="{name}" />'))
    whole = document(*pages)
    found = _opened(archive(whole, "t", "{}"))

    named = re.findall('src="([^"]+)"', found["document.md"].decode())
    assert [found[each] for each in named] == [b"figure of page 1", b"figure of page 2", b"figure of page 3"]
    assert found["document.html"].count(b"data:image/jpeg;base64,") == 3
    assert markdown(whole).count(name) == 3  # elsewhere the Markdown is the engine's own


# --- pages without a result


@pytest.mark.parametrize("whole", [document(FAILED), document(BLANK), document(FAILED, BLANK, page(4)), document()])
def test_no_form_fails_for_pages_without_a_result(whole: Document) -> None:
    assert isinstance(markdown(whole), str)
    assert isinstance(plain_text(whole), str)
    assert isinstance(combined_text(whole, HEADER, SEPARATOR), str)
    assert isinstance(csv_tables(whole), str)
    assert html(whole, "t").count("<section") == len(whole.pages)
    assert "document.md" in _opened(archive(whole, "t", "{}"))
