"""The folder of licence texts and its index."""

from pathlib import Path

import pytest

from scripts.image import components, licences
from tests.unit.image_tree import COMMIT, Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "image")


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "licences"


def _gathered(tree: Tree, to: Path) -> dict[str, tuple[str, str | None, str]]:
    """The index by component: version, place, licence."""
    rows = licences.gather(components.find(tree.root, tree.code, tree.models), tree.root, tree.models, to)
    return {row.name: (row.version, row.place, row.licence) for row in rows}


def _files(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_texts_of_python_packages_are_copied(tree: Tree, to: Path) -> None:
    tree.python(".venv", "two", "1.0", "License: MIT\n", {"LICENSE": "MIT", "licenses/vendor/NOTICE": "thanks"})
    rows = _gathered(tree, to)
    files = _files(to)

    assert rows["idna"] == ("3.20", "python/idna-3.20/licenses/LICENSE.md", "BSD-3-Clause")
    assert rows["two"] == ("1.0", "python/two-1.0/", "MIT")
    del files[licences.INDEX]
    assert files == {
        "python/idna-3.20/licenses/LICENSE.md": "BSD",
        "python/two-1.0/LICENSE": "MIT",
        "python/two-1.0/licenses/vendor/NOTICE": "thanks",
    }


def test_texts_of_debian_packages_are_named_where_they_are(tree: Tree, to: Path) -> None:
    rows = _gathered(tree, to)

    assert rows["zlib1g"] == ("1:1.2.13.dfsg-1", "/usr/share/doc/zlib1g/copyright", "BSL-1.0, Zlib")
    assert rows["on-hold"] == ("2.0-1", None, "")


def test_texts_of_the_web_page_are_named_where_they_are(tree: Tree, to: Path) -> None:
    rows = _gathered(tree, to)

    assert rows["preact"] == ("11.2.0", "/opt/offline-ocr/web/dist/licences.txt", "MIT")


def test_texts_of_weights_are_theirs_else_the_standards(tree: Tree, to: Path) -> None:
    names = ["DeepSeek-OCR", "GLM-OCR", "DeepSeek-OCR-2", "other"]
    tree.weights(
        **{name: {"config.json": "{}"} | ({"LICENSE": "by them"} if name == names[0] else {}) for name in names}
    )
    rows = _gathered(tree, to)

    assert {name: rows[name] for name in names} == {
        "DeepSeek-OCR": (COMMIT, "weights/DeepSeek-OCR/LICENSE", "MIT"),
        "GLM-OCR": (COMMIT, "standard/MIT.txt", "MIT"),
        "DeepSeek-OCR-2": (COMMIT, "standard/Apache-2.0.txt", "Apache-2.0"),
        "other": (COMMIT, None, ""),
    }
    files = _files(to)
    assert files["weights/DeepSeek-OCR/LICENSE"] == "by them"
    assert files["standard/Apache-2.0.txt"] == "Apache License, Version 2.0"
    assert "Permission is hereby granted, free of charge" in files["standard/MIT.txt"]


def test_the_index_says_what_has_no_text(tree: Tree, to: Path) -> None:
    tree.python(".venv", "bare", "0.1", "License: Apache 2.0\n")
    _gathered(tree, to)
    index = (to / licences.INDEX).read_text("utf-8")

    assert [line.split(maxsplit=2) for line in index.splitlines() if "no text found" in line] == [
        ["bare", "0.1", "no text found                         Apache 2.0"],
        ["on-hold", "2.0-1", "no text found                        -"],
    ]


def test_the_index_reads_as_a_table(tree: Tree, to: Path) -> None:
    _gathered(tree, to)

    assert (to / licences.INDEX).read_text("utf-8").removeprefix(licences._HEAD) == (
        "\nPython packages\n---------------\n\n"
        "COMPONENT  VERSION  TEXT                                  LICENCE\n"
        "idna       3.20     python/idna-3.20/licenses/LICENSE.md  BSD-3-Clause\n"
        "\nnpm packages\n------------\n\n"
        "COMPONENT    VERSION  TEXT                                    LICENCE\n"
        "@scope/part  1.2.3    /opt/offline-ocr/web/dist/licences.txt  (MPL-2.0 OR Apache-2.0)\n"
        "preact       11.2.0   /opt/offline-ocr/web/dist/licences.txt  MIT\n"
        "\nDebian packages\n---------------\n\n"
        "COMPONENT   VERSION          TEXT                                 LICENCE\n"
        "base-files  12.4+deb12u11    /usr/share/doc/base-files/copyright  -\n"
        "on-hold     2.0-1            no text found                        -\n"
        "zlib1g      1:1.2.13.dfsg-1  /usr/share/doc/zlib1g/copyright      BSL-1.0, Zlib\n"
    )


def test_equal_images_have_equal_folders(tree: Tree, tmp_path: Path) -> None:
    tree.weights(**{"GLM-OCR": {"config.json": "{}"}})
    _gathered(tree, tmp_path / "a")
    _gathered(tree, tmp_path / "b")

    assert _files(tmp_path / "a") == _files(tmp_path / "b")


# --- the program


def test_missing_texts_are_counted_and_no_failure(
    tree: Tree, to: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["licences", *tree.arguments, "--to", str(to)])

    assert licences.main() == 0
    assert capsys.readouterr().err == "6 components, 1 of them without a licence text\n"


def test_a_folder_that_is_there_already_is_left_alone(
    tree: Tree, to: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    to.mkdir()
    monkeypatch.setattr("sys.argv", ["licences", *tree.arguments, "--to", str(to)])

    assert licences.main() == 1
    assert str(to) in capsys.readouterr().err
    assert list(to.iterdir()) == []
