"""Text from elsewhere (names of files, what was read) as it may be written to a terminal."""

import re

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # but tab and line feed: ISO/IEC 6429, C0 and C1


def plain(text: str) -> str:
    """The text with a question mark for each character that would steer the terminal."""
    return _CONTROLS.sub("?", text)
