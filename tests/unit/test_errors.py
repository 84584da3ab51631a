"""The exception tree: every class has what a reply is made from, and the docstring shows the tree as it is."""

import re
from http import HTTPStatus

import pytest

from server import errors
from server.errors import BY_CODE, OcrError

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, OcrError) and value is not OcrError
]


def test_every_class_can_be_raised_again_by_its_code() -> None:
    assert {cls.code: cls for cls in CLASSES} == BY_CODE


def test_no_two_classes_share_a_code() -> None:
    assert len(CLASSES) == len(BY_CODE) > 25


@pytest.mark.parametrize("cls", CLASSES)
def test_a_class_has_a_status_a_snake_case_code_and_a_title_of_its_own(cls: type[OcrError]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", cls.__dict__["code"])
    assert isinstance(cls.status, HTTPStatus)
    assert 400 <= cls.status < 600
    title = cls.__dict__["title"]
    assert title[0].isupper()
    assert not title.endswith(".")


@pytest.mark.parametrize("cls", CLASSES)
def test_a_code_is_the_name_of_its_class(cls: type[OcrError]) -> None:
    assert cls.code == re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


def test_titles_are_unique() -> None:
    assert len({cls.title for cls in CLASSES}) == len(CLASSES)


def test_subclasses_keep_the_status_of_their_branch() -> None:
    for branch in OcrError.__subclasses__():
        for cls in branch.__subclasses__():
            assert cls.status == branch.status, cls


def test_the_docstring_shows_the_branches_with_their_statuses() -> None:
    shown = re.findall(r"[├└]── (\w+) +(\d{3})", errors.__doc__ or "")
    assert shown == [(branch.__name__, str(branch.status.value)) for branch in OcrError.__subclasses__()]


def test_an_error_holds_its_public_text_and_when_to_come_again() -> None:
    error = errors.QueueFull("The queue is full.", retry_after=7)

    assert (str(error), error.detail, error.retry_after) == ("The queue is full.", "The queue is full.", 7)
    assert errors.NotFound("Nothing.").retry_after is None
