"""What a stranger named his file does not steer the terminal."""

import pytest

from server.client.plain import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("имя 1.png", "имя 1.png"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[2Jgone.pdf", "?[2Jgone.pdf"),
        ("\x9b31m\r\x07.pdf\x7f", "?31m??.pdf?"),
    ],
)
def test_controls_are_shown_as_question_marks(text: str, shown: str) -> None:
    assert plain(text) == shown
