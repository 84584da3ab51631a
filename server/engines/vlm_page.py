"""One page on its way through an image-text-to-text model: what it is asked, the figures cut from it, what comes out."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from server.catalog import ModelEntry
from server.documents import BBox, Block, Page, Verdict
from server.engines import guards
from server.engines.base import Options, PageInput
from server.engines.guards import Judged
from server.engines.recogniser import Crop, Recogniser, Sampling, fit, opened
from server.layout.tables_pipe import tables_as_markdown

_REDUCED = 4  # px become one, so that a scan's noise is gone
_MOST_FIGURES = 64  # of a page: a model in a loop must not fill the spool
_CONTRAST = 24  # gray levels between the lightest and the darkest of them


class VlmPage:
    """A page, its options, and the figures found on it so far. Nothing is asked about a page whose file is gone."""

    def __init__(self, page: PageInput, entry: ModelEntry, options: Options, recogniser: Recogniser) -> None:
        self.width, self.height = page.width, page.height
        self.entry = entry
        self.options = options
        self.image = opened(page.path)
        self._page = page
        self._recogniser = recogniser
        self._figures: dict[str, Path] = {}

    def read(self, crops: Sequence[Crop]) -> list[Judged]:
        """What stands on the crops. Raises what `Recogniser.read` raises."""
        limit = self.entry.vlm.max_new_tokens if self.entry.vlm else None
        sampling = Sampling(
            max_new_tokens=self.options["max_new_tokens"] or limit,
            temperature=self.options["temperature"],
            top_p=self.options["top_p"],
            repetition_penalty=self.options["repetition_penalty"],
            confidence=self.options["return_confidence"],
        )
        return guards.read_well(self._recogniser, crops, sampling, self._page.path.exists)

    def part(self, bbox: BBox, prompt: str) -> Crop:
        """A region to be read. What is too small or too slender for a model's image processor gets a white margin."""
        return Crop(fit(self.image.crop(bbox)), prompt)

    def crop(self, bbox: BBox) -> str:
        """Cut a figure out; its name is the one that Markdown refers to. Empty when too many have been cut out."""
        if len(self._figures) == _MOST_FIGURES:
            return ""
        file = f"page_{self._page.number}_figure_{len(self._figures) + 1}.png"
        path = self._page.path.with_name(file)
        self.image.crop(bbox).save(path, compress_level=1)
        self._figures[f"images/{file}"] = path
        return f"images/{file}"

    def done(self, blocks: Sequence[Block], text: str, markdown: str, read: Sequence[Judged]) -> Page:
        """The page as it was read; `seconds` is left to the engine."""
        return Page(
            number=self._page.number,
            width=self.width,
            height=self.height,
            text=text,
            markdown=tables_as_markdown(markdown) if self.options["table_format"] == "markdown" else markdown,
            blocks=tuple(blocks),
            images=self._figures,
            token_confidence=guards.mean_confidence([each.reading for each in read]),
            verdict=self._verdict(blocks, read),
            tokens=sum(each.tokens for each in read),
        )

    def _verdict(self, blocks: Sequence[Block], read: Sequence[Judged]) -> Verdict:
        verdict = guards.of_page([each.verdict for each in read])
        return Verdict.OK if verdict is Verdict.BLANK and any(block.content for block in blocks) else verdict


def is_blank(image: Image.Image) -> bool:
    """Whether nothing stands on the image: no part of it is much darker or lighter than another."""
    grays = [gray for gray, count in enumerate(image.convert("L").reduce(_REDUCED).histogram()) if count]
    return grays[-1] - grays[0] < _CONTRAST
