"""The options of `POST /ocr`: as JSON has them, and as forms write them."""

import pytest
from pydantic import ValidationError

from server.preparation import Step
from server.schemas import TYPED, Format, OcrOptions


def options(**fields: object) -> OcrOptions:
    """Options from a request's fields."""
    return OcrOptions.model_validate(fields)


def test_nothing_has_to_be_given() -> None:
    assert options().model_dump() == {
        "model_name": None,
        "prompt": "Extract all text",
        "return_confidence": True,
        "return_content": True,
        "pages": None,
        "formats": (),
        "preprocess": (),
        "save": False,
    }


@pytest.mark.parametrize("name", ["return_confidence", "return_content", "save"])
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        *((text, True) for text in ("true", "True", "1", "on", "yes")),
        *((text, False) for text in ("false", "FALSE", "0", "off", "no")),
        (True, True),
        (False, False),
    ],
)
def test_a_switch_in_a_form_is_a_word(name: str, given: object, meant: bool) -> None:
    assert getattr(options(**{name: given}), name) is meant


@pytest.mark.parametrize("name", ["return_confidence", "return_content", "save"])
@pytest.mark.parametrize("given", ["maybe", "2", [], {}, 7])
def test_any_other_word_is_not_taken_for_true(name: str, given: object) -> None:
    with pytest.raises(ValidationError) as refused:
        options(**{name: given})
    assert refused.value.errors()[0]["loc"] == (name,)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("md", (Format.MARKDOWN,)),
        ("md,html , zip,", (Format.MARKDOWN, Format.HTML, Format.ZIP)),
        (["text", "csv"], (Format.TEXT, Format.CSV)),
        ("", ()),
        ([], ()),
    ],
)
def test_formats_are_a_list_or_words_with_commas(given: object, meant: tuple[Format, ...]) -> None:
    assert options(formats=given).formats == meant


@pytest.mark.parametrize("given", ["docx", "md;html", ["md", "docx"], 7, None, [["md"]]])
def test_other_formats_are_refused_by_name(given: object) -> None:
    with pytest.raises(ValidationError) as refused:
        options(formats=given)
    assert refused.value.errors()[0]["loc"][0] == "formats"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("deskew", (Step.DESKEW,)),
        ("deskew, denoise ,deskew,", (Step.DENOISE, Step.DESKEW)),
        (["contrast", "orientation"], (Step.ORIENTATION, Step.CONTRAST)),
        ("all", tuple(Step)),
        (["crop", "all"], tuple(Step)),
        ("", ()),
        ([], ()),
    ],
)
def test_steps_come_in_their_own_order_and_once(given: object, meant: tuple[Step, ...]) -> None:
    assert options(preprocess=given).preprocess == meant


@pytest.mark.parametrize(
    "given", ["sharpen", "deskew;crop", ["crop", "sharpen"], "all,none", 7, True, None, [["crop"]]]
)
def test_other_steps_are_refused(given: object) -> None:
    with pytest.raises(ValidationError) as refused:
        options(preprocess=given)
    assert refused.value.errors()[0]["loc"][0] == "preprocess"


@pytest.mark.parametrize(("given", "meant"), [("1-3,7", "1-3,7"), (3, "3"), ("", ""), (None, None)])
def test_pages_are_text_or_one_number(given: object, meant: str | None) -> None:
    assert options(pages=given).pages == meant


@pytest.mark.parametrize("given", [True, 1.5, [1, 2], "1," * 501])
def test_other_pages_are_refused(given: object) -> None:
    with pytest.raises(ValidationError) as refused:
        options(pages=given)
    assert refused.value.errors()[0]["loc"] == ("pages",)


@pytest.mark.parametrize(("name", "length"), [("model_name", 100), ("prompt", 8000)])
def test_texts_are_bounded(name: str, length: int) -> None:
    assert len(getattr(options(**{name: "a" * length}), name)) == length
    with pytest.raises(ValidationError) as refused:
        options(**{name: "a" * (length + 1)})
    assert refused.value.errors()[0]["loc"] == (name,)


def test_a_models_own_options_are_let_through_for_it_to_check() -> None:
    found = options(lang="rus", save=True, temperature=0.5)

    assert found.model_extra == {"lang": "rus", "temperature": 0.5}
    assert found.save


def test_the_forms_of_a_result_have_these_names() -> None:
    assert [form.value for form in Format] == ["md", "json", "text", "html", "csv", "xlsx", "zip"]


@pytest.mark.parametrize(
    "fields", [{"save": "true"}, {"save": 1}, {"return_content": ""}, {"formats": "md"}, {"formats": ""}]
)
def test_where_values_have_types_a_text_is_a_text(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OcrOptions.model_validate(fields, context=TYPED)


def test_where_values_have_types_they_are_taken_as_they_are() -> None:
    fields = {"save": True, "formats": ["md"], "pages": 2.0, "prompt": "true"}
    found = OcrOptions.model_validate(fields, context=TYPED)
    assert (found.save, found.formats, found.pages, found.prompt) == (True, (Format.MARKDOWN,), "2", "true")
