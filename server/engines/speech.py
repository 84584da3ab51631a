"""Tokens → the text of an answer as it comes: whole characters only, and nothing from a stop text on. Pure."""

from collections.abc import Callable, Sequence

_HALF = "\ufffd"  # what a tokenizer makes of bytes that are no character yet


class Detokeniser:
    """Text of tokens that come one by one.

    A token's text may depend on the one before it, so that some are decoded together, as vLLM does
    (vllm/tokenizers/detokenizer_utils.py).
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._told = 0  # tokens whose text has been given
        self._known = 0  # those before them that are decoded with the next ones

    def feed(self, token: int) -> str:
        """What one more token adds; empty while it is half of a character."""
        self._tokens.append(token)
        new = self._new()
        if not new or new.endswith(_HALF):
            return ""
        self._known, self._told = self._told, len(self._tokens)
        return new

    def rest(self) -> str:
        """What no further token will complete."""
        return self._new()

    def _new(self) -> str:
        before = self._decode(self._tokens[self._known : self._told])
        return self._decode(self._tokens[self._known :])[len(before) :]


class Stopper:
    """Holds text back for as long as it may become one of the stop texts."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.stopped = False
        """Whether a stop text has come; there is nothing more to say then."""

    def feed(self, text: str) -> str:
        """What may be said now."""
        if self.stopped:
            return ""
        text = self._held + text
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        self.stopped = bool(places)
        said = min(places) if places else len(text) - max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = "" if places else text[said:]
        return text[:said]

    def rest(self) -> str:
        """What was held back and became no stop text."""
        return self._held


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text begin the stop text."""
    longest = min(len(text), len(stop) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(stop[:length])), 0)
