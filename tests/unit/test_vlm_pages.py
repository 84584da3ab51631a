"""A page's way through a model, whole or by regions. The model is a script."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from server import catalog
from server.catalog import ModelEntry
from server.documents import BlockFormat, Page, Verdict
from server.engines import regions, whole_page
from server.engines.base import PageInput
from server.engines.found import Found
from server.engines.recogniser import Crop, Reading, Sampling
from server.engines.vlm_page import VlmPage, is_blank

CATALOG = catalog.read()
GLM, DEEPSEEK = CATALOG["glm-ocr"], CATALOG["deepseek-ocr"]
SIZE = (800, 1000)


@dataclass
class Answers:
    """Answers each prompt with its text, and remembers what it was asked."""

    texts: Mapping[str, str]
    cut: bool = False
    asked: list[Crop] = field(default_factory=list)
    samplings: list[Sampling] = field(default_factory=list)
    concurrency: int = 1

    def read(self, crops: Sequence[Crop], sampling: Sampling, wanted: Callable[[], bool]) -> list[Reading]:
        assert wanted()
        self.asked += crops
        self.samplings.append(sampling)
        return [Reading(self.texts[crop.prompt], self.cut, 10, 0.9) for crop in crops]


def drawn(size: tuple[int, int] = SIZE) -> Image.Image:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((size[0] // 10, size[1] // 10), "words", "black")
    ImageDraw.Draw(image).rectangle((100, 700, 300, 800), "red")
    return image


def a_page(entry: ModelEntry, answers: Answers, tmp_path: Path, image: Image.Image, **options: Any) -> VlmPage:
    path = tmp_path / "page-00001.ppm"
    image.save(path)
    prompt, confidence = options.pop("prompt", None), options.pop("return_confidence", True)
    checked = entry.check_options(options, prompt, confidence)
    return VlmPage(PageInput(1, path, *image.size), entry, checked, answers)  # type: ignore[arg-type]


FOUND = [
    Found("doc_title", (50, 50, 700, 100), 0.9),
    Found("text", (50, 120, 700, 300), 0.9),
    Found("table", (50, 320, 700, 500), 0.9),
    Found("display_formula", (50, 520, 700, 600), 0.9),
    Found("formula_number", (710, 520, 760, 600), 0.9),
    Found("image", (100, 700, 300, 800), 0.8),
    Found("number", (380, 950, 420, 980), 0.9),
]
TABLE = "<table><tr><td>a</td><td>b</td></tr></table>"
TEXTS = {
    "Text Recognition:": "Some\nwords",
    "Table Recognition:": f"```html\n{TABLE}\n```",
    "Formula Recognition:": "\\[ x^2 \\]",
}


def by_regions(tmp_path: Path, answers: Answers, found: Sequence[Found] = FOUND, **options: Any) -> Page:
    page = a_page(GLM, answers, tmp_path, options.pop("image", drawn()), **options)
    return regions.read(page, lambda image: list(found))


def test_each_region_is_asked_for_by_its_own_prompt_and_put_in_its_own_form(tmp_path: Path) -> None:
    answers = Answers(TEXTS)
    page = by_regions(tmp_path, answers)
    assert [(crop.prompt.split()[0], crop.image.size) for crop in answers.asked] == [
        *(("Text", (650, 50)), ("Text", (650, 180)), ("Table", (650, 180)), ("Formula", (650, 80))),
        *(("Text", (50, 80)), ("Text", (40, 30))),
    ]
    assert [(block.type, block.format, block.verdict) for block in page.blocks] == [
        ("doc_title", BlockFormat.TEXT, Verdict.OK),
        ("text", BlockFormat.TEXT, Verdict.OK),
        ("table", BlockFormat.TABLE_HTML, Verdict.OK),
        ("display_formula", BlockFormat.LATEX, Verdict.OK),
        ("formula_number", BlockFormat.TEXT, Verdict.OK),
        ("image", BlockFormat.IMAGE, Verdict.OK),
        ("number", BlockFormat.TEXT, Verdict.OK),
    ]
    assert [block.order for block in page.blocks] == list(range(7))
    assert page.blocks[3].content == "x^2"
    assert page.markdown == (
        f"# Some words\n\nSome\n\nwords\n\n{TABLE}\n\n$$\nx^2 \\tag{{Some words}}\n$$\n\n![](images/page_1_figure_1.png)"
    )
    assert page.text == "Some\nwords\n\nSome\nwords\n\na\tb\n\nx^2\n\nSome\nwords"
    assert page.images
    with Image.open(page.images["images/page_1_figure_1.png"]) as figure:
        assert figure.size == (200, 100)
        assert figure.getpixel((50, 50)) == (255, 0, 0)
    assert page.token_confidence == 0.9
    assert page.tokens == 10 * len(answers.asked)


def test_the_number_of_a_formula_that_came_out_empty_is_not_lost(tmp_path: Path) -> None:
    page = by_regions(tmp_path, Answers({**TEXTS, "Formula Recognition:": ""}), FOUND[3:5])
    assert page.markdown == "Some\n\nwords"


def test_tables_may_be_markdown(tmp_path: Path) -> None:
    page = by_regions(tmp_path, Answers(TEXTS), FOUND[2:3], table_format="markdown")
    assert page.markdown.strip() == "| a | b |\n| --- | --- |"
    assert page.blocks[0].content == TABLE


def test_what_the_token_limit_cut_is_called_so_block_by_block_and_for_the_page(tmp_path: Path) -> None:
    page = by_regions(tmp_path, Answers(TEXTS, cut=True), max_new_tokens=5)
    assert {block.verdict for block in page.blocks} == {Verdict.TRUNCATED, Verdict.OK}
    assert page.verdict is Verdict.TRUNCATED


def test_a_page_on_which_no_region_is_found_is_one_region(tmp_path: Path) -> None:
    answers = Answers(TEXTS)
    page = by_regions(tmp_path, answers, [])
    assert [crop.image.size for crop in answers.asked] == [SIZE]
    assert (page.text, page.blocks[0].bbox, page.verdict) == ("Some\nwords", (0, 0, *SIZE), Verdict.OK)


@pytest.mark.parametrize("entry", [GLM, DEEPSEEK], ids=["regions", "whole"])
def test_a_blank_page_is_not_shown_to_the_model(entry: ModelEntry, tmp_path: Path) -> None:
    answers = Answers({})
    page = a_page(entry, answers, tmp_path, Image.new("RGB", SIZE, (250, 245, 240)))
    done = regions.read(page, lambda image: FOUND) if entry is GLM else whole_page.read(page)
    assert (done.verdict, done.blocks, done.text) == (Verdict.BLANK, (), "")
    assert not answers.asked


def test_a_scans_noise_is_nothing_and_a_full_stop_is_something() -> None:
    noise = Image.effect_noise((400, 400), 8).convert("RGB").point(lambda value: min(255, value + 100))
    assert is_blank(noise)
    dotted = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(dotted).ellipse((200, 200, 205, 205), "black")
    assert not is_blank(dotted)


def test_options_are_the_recognisers(tmp_path: Path) -> None:
    answers = Answers({"<|grounding|>Convert the document to markdown.": "x"})
    page = a_page(DEEPSEEK, answers, tmp_path, drawn(), temperature=0.5, top_p=0.9, return_confidence=False)
    whole_page.read(page)
    assert answers.samplings == [Sampling(None, 0.5, 0.9, 1, confidence=False)]
    answers = Answers(TEXTS)
    by_regions(tmp_path, answers)
    assert answers.samplings == [Sampling(8192, 0, 1, 1.1, confidence=True)]


@pytest.mark.parametrize(("asked", "prompt"), [("ocr", "Free OCR."), ("What colour?", "What colour?")])
def test_a_prompt_is_one_of_the_cards_or_ones_own(asked: str, prompt: str, tmp_path: Path) -> None:
    answers = Answers({prompt: "red"})
    page = whole_page.read(a_page(DEEPSEEK, answers, tmp_path, Image.new("RGB", SIZE, "red"), prompt=asked))
    assert page.text == "red"


def test_a_grounded_page_is_taken_apart_and_its_last_block_bears_the_verdict(tmp_path: Path) -> None:
    text = (
        "<|ref|>title<|/ref|><|det|>[[0, 0, 999, 100]]<|/det|>\n# Report\n\n"
        "<|ref|>image<|/ref|><|det|>[[100, 700, 300, 800]]<|/det|>\n\n"
        "<|ref|>text<|/ref|><|det|>[[0, 100, 999, 300]]<|/det|>\nand so o"
    )
    answers = Answers({"<|grounding|>Convert the document to markdown.": text}, cut=True)
    page = whole_page.read(a_page(DEEPSEEK, answers, tmp_path, drawn()))
    assert [(block.type, block.verdict) for block in page.blocks] == [
        ("title", Verdict.OK),
        ("image", Verdict.OK),
        ("text", Verdict.TRUNCATED),
    ]
    assert page.blocks[0].bbox == (0, 0, 800, 100)
    assert page.markdown == "# Report\n\n![](images/page_1_figure_1.png)\n\nand so o"
    assert page.verdict is Verdict.TRUNCATED
    assert [block.confidence for block in page.blocks] == [0.9, 0.9, 0.9]


@pytest.mark.parametrize(("size", "given"), [((3, 3), (28, 28)), ((10, 5000), (50, 5000)), ((640, 10), (640, 28))])
def test_what_is_too_small_or_too_slender_gets_a_margin(
    size: tuple[int, int], given: tuple[int, int], tmp_path: Path
) -> None:
    page = a_page(replace(DEEPSEEK), Answers({}), tmp_path, Image.new("RGB", size, "black"))
    crop = page.part((0, 0, *size), "p")
    assert crop.image.size == given
    assert crop.image.getpixel((size[0] - 1, size[1] - 1)) == (0, 0, 0)
    assert crop.image.getpixel((given[0] - 1, given[1] - 1)) == (255, 255, 255)
