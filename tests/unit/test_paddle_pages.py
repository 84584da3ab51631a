"""Tables of PaddleX's Markdown as Markdown."""

from server.engines.paddle_pages import tables_as_markdown

TABLE = (
    "<table border=1 style='margin: auto;'><tr><td style='x'>a|b</td><td colspan=\"2\">c<br>d</td></tr>"
    "<tr><td>1</td><td>2</td><td>&lt;b&gt;</td></tr></table>"
)


def test_a_table_becomes_pipes_and_what_is_around_it_stays() -> None:
    found = tables_as_markdown(f"# Title\n\n{TABLE}\n\ntext <b>bold</b>")
    assert (
        found == "# Title\n\n\n| a\\|b | c<br>d |  |\n| --- | --- | --- |\n| 1 | 2 | &lt;b&gt; |\n\n\ntext <b>bold</b>"
    )


def test_every_table_is_converted_by_itself() -> None:
    assert tables_as_markdown(TABLE + "\n\nbetween\n\n" + TABLE).count("\n| --- |") == 2


def test_a_table_with_a_figure_stays_as_it_is() -> None:
    """Markdown could not show the figure in its cell, and would lose it."""
    table = '<table><tr><td><img src="imgs/a.jpg" alt="Image"" /></td></tr></table>'
    assert tables_as_markdown(table) == table


def test_a_table_without_cells_leaves_nothing() -> None:
    assert tables_as_markdown("a<table></table>b") == "ab"


def test_text_without_tables_is_left_alone() -> None:
    assert tables_as_markdown("a | b\n<tablet>") == "a | b\n<tablet>"
