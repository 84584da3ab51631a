"""A batch's names, keys, manifest and arithmetic."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.client import folder, manifest
from server.client.batch import Summary
from server.client.errors import Failed
from server.client.manifest import Manifest
from server.client.progress import Progress, clock

A, B = Path("a/b.pdf"), Path("a/b.png")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)
NAMES = WORDS.filter(lambda name: name not in {".", ".."})


def test_documents_are_found_by_suffix_at_any_depth_in_order(tmp_path: Path) -> None:
    for name in ("b.PDF", "a/x.tiff", "a/b/c.webp", "note.txt", "a/.hidden", "z.jpeg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(map(str, folder.documents_in(tmp_path))) == ["a/b/c.webp", "a/x.tiff", "b.PDF", "z.jpeg"]


def test_a_folder_without_documents_or_none_at_all(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    with pytest.raises(Failed, match="no document"):
        folder.documents_in(tmp_path)
    with pytest.raises(Failed, match="cannot be listed"):
        folder.documents_in(tmp_path / "none")


def test_where_a_result_goes() -> None:
    assert folder.result_path(Path("out"), A, "md") == Path("out/a/b.pdf.md")
    assert folder.result_path(Path("out"), A, "text") == Path("out/a/b.pdf.txt")


@given(st.sets(st.tuples(NAMES, st.sampled_from(sorted(folder.SUFFIXES))), min_size=2, max_size=6))
def test_no_two_documents_share_a_result(parts: set[tuple[str, str]]) -> None:
    documents = {Path(stem + suffix) for stem, suffix in parts}
    results = {folder.result_path(Path("out"), each, form) for each in documents for form in folder.RESULT_SUFFIXES}
    assert len(results) == len(documents) * len(folder.RESULT_SUFFIXES)


def test_a_key_follows_path_content_and_options_and_nothing_else() -> None:
    fields = {"model_name": "pp-ocr", "pages": "1"}
    key = folder.key(A, "00", fields)
    assert key == folder.key(A, "00", dict(reversed(fields.items())))
    different = {folder.key(*what) for what in ((B, "00", fields), (A, "01", fields), (A, "00", {}))}
    assert len(different | {key}) == 4
    assert len(key) == 64


def test_a_name_that_is_not_utf_8_has_a_key() -> None:
    assert folder.key(Path(os.fsdecode(b"\xff.pdf")), "00", {}) != folder.key(A, "00", {})


def test_a_result_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "deep/er" / ("x" * 240 + ".pdf.md")
    folder.write(target, b"one")
    folder.write(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(target.parent.iterdir()) == [target]
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        folder.write(tmp_path / "folder", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "folder"]


def test_a_name_that_is_too_long_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError) as error:
        folder.write(tmp_path / ("x" * 254 + ".md"), b"x")
    assert error.value.errno == errno.ENAMETOOLONG


def _done(out: Path, document: Path, key: str, *forms: str, failed_pages: int = 0) -> None:
    for form in forms:
        folder.write(folder.result_path(out, document, form), b"x")
    Manifest(out).add(document, key, forms, failed_pages)


def test_what_was_read_is_found_by_its_key_and_files(tmp_path: Path) -> None:
    _done(tmp_path, A, "k", "md", "csv", failed_pages=2)
    entry = Manifest(tmp_path).find(A, "k", ("md",))
    assert entry is not None
    assert entry.failed_pages == 2
    assert Manifest(tmp_path).find(A, "k", ("csv", "md"))
    assert Manifest(tmp_path).find(B, "k", ("md",)) is None
    assert Manifest(tmp_path).find(A, "other content or options", ("md",)) is None
    assert Manifest(tmp_path).find(A, "k", ("md", "html")) is None
    folder.result_path(tmp_path, A, "csv").unlink()
    assert Manifest(tmp_path).find(A, "k", ("csv",)) is None
    assert Manifest(tmp_path).find(A, "k", ("md",))


def test_forms_of_one_key_add_up_and_a_new_key_forgets_them(tmp_path: Path) -> None:
    _done(tmp_path, A, "k", "md")
    _done(tmp_path, A, "k", "csv")
    assert Manifest(tmp_path).find(A, "k", ("md", "csv"))
    _done(tmp_path, A, "new", "csv")
    assert Manifest(tmp_path).find(A, "new", ("md",)) is None


@pytest.mark.parametrize("rest", [b"", b'{"docu', b"[]\n", b'{"document": 1}\n', b"\n\n"])
def test_a_manifest_that_was_cut_off_loses_that_line_only(tmp_path: Path, rest: bytes) -> None:
    _done(tmp_path, A, "k", "md")
    with (tmp_path / manifest.NAME).open("ab") as file:
        file.write(rest)
    _done(tmp_path, B, "k", "md")
    assert Manifest(tmp_path).find(A, "k", ("md",))
    assert Manifest(tmp_path).find(B, "k", ("md",))


def test_time_left_counts_unopened_documents_by_the_average() -> None:
    progress = Progress(4)
    assert progress.seconds_left(5) is None
    progress.see(A, 2, 10)
    progress.see(B, 0, None)
    assert (progress.pages, progress.expected_pages) == (2, 40)
    assert progress.seconds_left(1) == 19
    progress.see(B, 4, 4)
    progress.skipped = 1
    assert progress.expected_pages == 14 + 7


def test_what_fails_is_not_waited_for() -> None:
    progress = Progress(2)
    progress.see(A, 3, 300)
    progress.fail(A)
    progress.fail(B)
    assert (progress.expected_pages, progress.pages, progress.failed) == (3, 3, 2)
    assert progress.line(1) == "[########################] 3 pages, 2 of 2 documents, 2 failed, 0:00 left"


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=20))
def test_a_line_is_always_to_be_had(documents: int, seen: list[tuple[int, int | None]]) -> None:
    progress = Progress(documents)
    for number, (processed, total) in enumerate(seen):
        progress.see(Path(str(number)), processed, total)
    assert progress.line(1.5).startswith("[")
    assert progress.line(1.5).index("]") == 25


def test_clocks() -> None:
    assert [clock(seconds) for seconds in (7, 750, 3723)] == ["0:07", "12:30", "1:02:03"]


def test_a_summary_names_what_is_not_whole() -> None:
    summary = Summary(read=[A], failed={B: "The document is damaged: no pages."}, unread={A: 2})
    assert summary.exit_code == 1
    assert summary.text(3).splitlines() == [
        "3 documents: 1 read, 1 failed, 0 skipped (read before), 1 left",
        "a/b.png: The document is damaged: no pages.",
        "a/b.pdf: pages that could not be read: 2",
    ]
    assert Summary(read=[A], skipped=[B]).exit_code == 0
