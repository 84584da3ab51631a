"""HTML → a tree → HTML, as Beautiful Soup 4.15 reads and writes it with Python's own parser, which PaddleX merges tables by.

Standard library only. Untrusted input may take long: run it where time is limited.
"""

from collections.abc import Iterator
from html.entities import html5
from html.parser import HTMLParser

_VOID = {
    *(
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "keygen",
        "link",
        "menuitem",
        "meta",
        "param",
        "source",
    ),
    *("track", "wbr", "basefont", "bgsound", "command", "frame", "image", "isindex", "nextid", "spacer"),
}
_APART = {"script", "style", "template", "rt", "rp"}  # what stands in them is not text of the page
_LITERAL = {"script", "style"}
_PRE = {"pre", "textarea"}
_LISTS = {"*": {"class", "accesskey", "dropzone"}, "td": {"headers"}, "th": {"headers"}}
_SPACES = "\n\t\f\r "
_WINDOWS = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}


class Text:
    """A run of characters; `apart` when it is no text of the page. `markup` is how it is written, where not as text."""

    def __init__(self, content: str, apart: bool, markup: str | None = None) -> None:
        self.content = content
        self.apart = apart
        self.markup = markup
        self.parent: Node | None = None


class Node:
    """An element, or the document, which has no name."""

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.parent: Node | None = None
        self.children: list[Node | Text] = []

    def append(self, child: "Node | Text") -> None:
        """Make it the last child, wherever it was before."""
        if child.parent is not None:
            child.parent.children.remove(child)
        child.parent = self
        self.children.append(child)

    def find(self, *names: str) -> "list[Node]":
        """All elements of these names inside of it, in the order in which they begin."""
        return [each for each in self._inside() if isinstance(each, Node) and each.name in names]

    def text(self) -> str:
        """What a reader sees of it."""
        return "".join(each.content for each in self._inside() if isinstance(each, Text) and not each.apart)

    def _inside(self) -> "Iterator[Node | Text]":
        waiting = self.children[::-1]
        while waiting:
            each = waiting.pop()
            yield each
            if isinstance(each, Node):
                waiting += each.children[::-1]


def parse(html: str) -> Node:
    """The document. Raises ValueError for what Python's parser gives up on."""
    builder = _Builder()
    try:
        builder.feed(html)
        builder.close()
    except AssertionError as error:
        raise ValueError("The HTML cannot be read") from error
    builder.flush()
    return builder.root


def serialise(root: Node) -> str:
    """The document as HTML."""
    parts: list[str] = []
    waiting: list[Node | Text | str] = [*reversed(root.children)]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            parts.append(each)
        elif isinstance(each, Text):
            parts.append(_text(each))
        else:
            start = "".join(
                [each.name, *(f" {name}={_quoted(value)}" for name, value in sorted(each.attributes.items()))]
            )
            if not each.children and each.name in _VOID:
                parts.append(f"<{start}/>")
            else:
                parts.append(f"<{start}>")
                waiting.append(f"</{each.name}>")
                waiting += each.children[::-1]
    return "".join(parts)


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.root = Node("", {})
        self._open = [self.root]
        self._data: list[str] = []
        self._closed: list[str] = []  # void elements, whose end tag may still come

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs)
        if tag in _VOID:
            self._end(tag)
            self._closed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs)
        self._end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._closed:
            self._closed.remove(tag)
        else:
            self._end(tag)

    def handle_data(self, data: str) -> None:
        self._data.append(data)

    def handle_entityref(self, name: str) -> None:
        self._data.append(html5.get(f"{name};", f"&{name}"))

    def handle_charref(self, name: str) -> None:
        digits, base = (name[1:], 16) if name[:1] in "xX" else (name, 10)
        known = "0123456789abcdef"[:base]
        end = next((place for place, digit in enumerate(digits.lower()) if digit not in known), len(digits))
        if end:
            self._data.append(_character(int(digits[: min(end, 9)], base)))
        self._data.append(digits[end:])

    def handle_comment(self, data: str) -> None:
        self._markup("<!--", data, "-->")

    def handle_decl(self, decl: str) -> None:
        self._markup("<!DOCTYPE ", decl[len("DOCTYPE ") :], ">\n")

    def unknown_decl(self, data: str) -> None:
        if data.upper().startswith("CDATA["):
            self._markup("<![CDATA[", data[len("CDATA[") :], "]]>", apart=False)
        else:
            self._markup("<?", data, "?>")

    def handle_pi(self, data: str) -> None:
        self._markup("<?", data, ">")

    def flush(self) -> None:
        """What has been read of a text becomes a part of the tree."""
        if self._data:
            content = self._squeezed("".join(self._data))
            self._data = []
            self._open[-1].append(Text(content, apart=any(each.name in _APART for each in self._open)))

    def _squeezed(self, content: str) -> str:
        """White space alone is one character of it, unless it is preserved."""
        if content.strip(_SPACES) or any(each.name in _PRE for each in self._open):
            return content
        return "\n" if "\n" in content else " "

    def _markup(self, opening: str, content: str, closing: str, *, apart: bool = True) -> None:
        self.flush()
        content = self._squeezed(content)
        self._open[-1].append(Text(content, apart, f"{opening}{content}{closing}"))

    def _start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.flush()
        lists = _LISTS["*"] | _LISTS.get(tag, set())
        values = {name: value or "" for name, value in attrs}
        node = Node(tag, {name: " ".join(value.split()) if name in lists else value for name, value in values.items()})
        self._open[-1].append(node)
        self._open.append(node)

    def _end(self, tag: str) -> None:
        self.flush()
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].name == tag:
                del self._open[place:]
                return


def _character(code: int) -> str:
    if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return _WINDOWS.get(code) or chr(code)


def _text(text: Text) -> str:
    if text.markup is not None:
        return text.markup
    if text.parent and text.parent.name in _LITERAL:
        return text.content
    return _escaped(text.content)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quoted(value: str) -> str:
    value = _escaped(value)
    if '"' not in value:
        return f'"{value}"'
    return '"{}"'.format(value.replace('"', "&quot;")) if "'" in value else f"'{value}'"
