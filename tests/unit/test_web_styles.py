"""The style sheets of the page: all of them end in one, so a view's own classes must not be another view's, too."""

import re
from collections import defaultdict
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "web/src"
SHARED = {"styles/base.css", "text/rendered.css", "compare/picture.css"}
"""What they define is for every view, and views may refine it."""

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SELECTORS = re.compile(r"([^{};]+)\{")
_CLASS = re.compile(r"\.([a-z][a-z-]*)")
_FIRST = re.compile(r"[a-z]*\.([a-z][a-z-]*)")


def _selectors(sheet: Path) -> list[str]:
    found = _SELECTORS.findall(_COMMENT.sub("", sheet.read_text()))
    lists = [each.strip() for each in found if not each.strip().startswith("@")]
    return [each.strip() for selectors in lists for each in re.split(r",(?![^(]*\))", selectors)]


def test_a_class_of_one_view_is_not_styled_by_another() -> None:
    """A class with which a sheet's selector begins is found anywhere on the page, in other views as well."""
    reaching: dict[str, set[str]] = defaultdict(set)
    named: dict[str, set[str]] = defaultdict(set)
    for sheet in sorted(WEB.rglob("*.css")):
        name = str(sheet.relative_to(WEB))
        for selector in _selectors(sheet):
            for each in _CLASS.findall(selector):
                named[each].add(name)
            if first := _FIRST.match(selector):
                reaching[first[1]].add(name)
    assert len(reaching) > 50
    shared = {each for each, sheets in reaching.items() if sheets & SHARED}
    clashes = {each: named[each] for each in reaching if len(named[each]) > 1 and each not in shared}
    assert not clashes
