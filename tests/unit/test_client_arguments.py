"""What the client's user types, and where its server is."""

import contextlib
import io
from pathlib import Path

import pytest

from server.client import arguments, environment
from server.client.errors import ClientError, WrongUsage
from server.client.ocr import Order

SECRET = "tok-secret"


def _parse(*words: str) -> dict[str, object]:
    return vars(arguments.parser().parse_args(words))


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["ocr"],
        ["ocr", "a.pdf", "--format", "docx"],
        ["ocr", "a.pdf", "--option", "lang"],
        ["ocr", "a.pdf", "--option", "=rus"],
        ["ocr", "a.pdf", "--token", SECRET],
        ["batch", "in"],
        ["batch", "in", "--out", "out", "--parallel", "0"],
        ["batch", "in", "--out", "out", "--parallel", "two"],
        ["batch", "in", "--out", "out", "--patience", "-1"],
        ["jobs", "show"],
        ["jobs", "remove", "x"],
        ["compare"],
    ],
)
def test_wrong_usage_ends_with_2(words: list[str]) -> None:
    with contextlib.redirect_stderr(io.StringIO()), pytest.raises(SystemExit) as ended:
        _parse(*words)
    assert ended.value.code == 2


def test_defaults() -> None:
    batch = _parse("batch", "in", "--out", "out")
    assert (batch["parallel"], batch["patience"], batch["format"]) == (4, 600.0, None)
    assert _parse("ocr", "a.pdf")["format"] == "md"


def test_jobs_alone_lists() -> None:
    assert _parse("jobs") == _parse("jobs", "list")
    assert _parse("jobs", "--json") == _parse("jobs", "list", "--json")
    assert _parse("jobs", "--json")["json"] is True
    assert _parse("jobs", "list", "--limit", "7", "--state", "failed")["limit"] == 7


def test_formats_of_a_batch_add_up() -> None:
    assert _parse("batch", "in", "--out", "out", "--format", "md", "--format", "csv")["format"] == ["md", "csv"]


def test_options_become_fields_of_the_api() -> None:
    words = ("ocr", "a.pdf", "--model", "tesseract", "--pages", "1-3", "--option", "lang=rus", "--option", "prompt=a=b")
    given = arguments.parser().parse_args(words)
    assert arguments.fields(given) == {"model_name": "tesseract", "pages": "1-3", "lang": "rus", "prompt": "a=b"}
    assert arguments.fields(arguments.parser().parse_args(["ocr", "a.pdf"])) == {}


def test_an_option_given_twice() -> None:
    given = arguments.parser().parse_args(["ocr", "a.pdf", "--pages", "1", "--option", "pages=2"])
    with pytest.raises(WrongUsage, match="pages"):
        arguments.fields(given)


def test_the_place_has_a_default_and_a_token_that_is_not_shown() -> None:
    assert environment.read({}) == environment.Place("http://localhost:8081", "")
    place = environment.read({"OFFLINE_OCR_URL": "https://host/way/in", "OFFLINE_OCR_TOKEN": f" {SECRET}\n"})
    assert (place.url, place.token) == ("https://host/way/in", SECRET)
    assert SECRET not in repr(place)


@pytest.mark.parametrize("url", ["localhost:8081", "ftp://host", "http://", "http://[::1", "http://me:tok-secret@host"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(WrongUsage, match="OFFLINE_OCR_URL") as error:
        environment.read({"OFFLINE_OCR_URL": url})
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("token", ["тайна", "two\nlines"])
def test_a_token_that_no_header_takes(token: str) -> None:
    with pytest.raises(WrongUsage, match="OFFLINE_OCR_TOKEN") as error:
        environment.read({"OFFLINE_OCR_TOKEN": token})
    assert token not in str(error.value)


def test_results_that_would_overwrite_each_other_or_cannot_be_printed() -> None:
    twins, others = [Path("a/x.pdf"), Path("b/x.pdf")], [Path("a/x.pdf"), Path("a/y.pdf")]
    with pytest.raises(WrongUsage, match="same name"):
        Order(twins, "md", Path("out")).check()
    with pytest.raises(WrongUsage, match="--out"):
        Order(others, "zip", None).check()
    Order(twins, "md", None).check()
    Order(others, "zip", Path("out")).check()


def test_every_error_has_an_exit_code_that_the_help_states() -> None:
    def tree(root: type[ClientError]) -> list[type[ClientError]]:
        return [root, *(found for child in root.__subclasses__() for found in tree(child))]

    text = arguments.parser().format_help()
    for kind in tree(ClientError):
        assert f"{kind.exit_code} " in text
    assert {kind.exit_code for kind in tree(ClientError)} == {1, 2, 3, 4}
