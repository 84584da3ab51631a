"""HTML tables as pipe tables, in any text."""

import pytest

from server.layout.tables_pipe import tables_as_markdown

TABLE = "<table><tr><td>a|b</td><td>1<br>2</td></tr><tr><td>c</td></tr></table>"


def test_each_table_becomes_one_and_the_text_around_it_stays() -> None:
    piped = "\n| a\\|b | 1<br>2 |\n| --- | --- |\n| c |  |\n"
    assert (
        tables_as_markdown(f"before\n\n{TABLE}\n\nbetween {TABLE}after") == f"before\n\n{piped}\n\nbetween {piped}after"
    )


def test_what_is_no_table_and_what_only_html_can_show_stays() -> None:
    for text in ("", "no table", "<table><tr><td>open", "</table>", "<table><tr><td><img src='a'></td></tr></table>"):
        assert tables_as_markdown(text) == text


@pytest.mark.parametrize("unit", ["<table ", "<table>", "</table>", "<table></table>", "<table><td>"])
def test_hostile_text_takes_no_longer_than_any_other(unit: str) -> None:
    tables_as_markdown(unit * (400_000 // len(unit)))
