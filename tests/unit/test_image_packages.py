"""The packages that an image holds: Python's by their dist-info, Debian's by dpkg's record."""

from pathlib import Path

import pytest

from scripts.image import debian_packages, python_packages
from scripts.image.debian_packages import DebianPackage
from scripts.image.python_packages import PythonPackage
from tests.unit.image_tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def _one(tree: Tree, name: str) -> PythonPackage:
    [found] = [package for package in python_packages.find(tree.code) if package.name == name]
    return found


# --- Python


def test_a_package_says_name_version_licence_and_where_it_is(tree: Tree) -> None:
    [idna] = python_packages.find(tree.code)

    assert (idna.name, idna.version) == ("idna", "3.20")
    assert (idna.licences, idna.environments) == (("BSD-3-Clause",), (".venv",))


def test_one_version_in_several_environments_is_one_package(tree: Tree) -> None:
    tree.python(".venv-vllm", "Typing_Extensions", "4.16.0")
    tree.python(".venv-paddle", "typing-extensions", "4.16.0")
    tree.python(".venv-paddle", "idna", "3.19")

    assert [(one.name, one.version, one.environments) for one in python_packages.find(tree.code)] == [
        ("idna", "3.19", (".venv-paddle",)),
        ("idna", "3.20", (".venv",)),
        ("typing-extensions", "4.16.0", (".venv-paddle", ".venv-vllm")),
    ]


TEXT = "License: MIT License\n        \n        Permission is hereby granted, free of charge\n"
CLASSIFIERS = "Classifier: Programming Language :: Python\nClassifier: License :: OSI Approved :: MIT License\n"


@pytest.mark.parametrize(
    ("fields", "licences"),
    [
        ("License-Expression: MIT\nLicense: other\n", ("MIT",)),
        ("License: Apache 2.0\n" + CLASSIFIERS, ("Apache 2.0",)),
        (CLASSIFIERS + "Classifier: License :: Public Domain\n", ("MIT License", "Public Domain")),
        (TEXT + CLASSIFIERS, ("MIT License",)),
        (TEXT, ()),
        ("License: \n" + CLASSIFIERS, ("MIT License",)),
        ("", ()),
    ],
    ids=["expression", "licence", "classifiers", "a whole text", "only a whole text", "empty", "nothing"],
)
def test_the_licence_is_the_expression_else_the_line_else_the_classifiers(
    tree: Tree, fields: str, licences: tuple[str, ...]
) -> None:
    tree.python(".venv", "one", "1", fields)

    assert _one(tree, "one").licences == licences


def _texts(tree: Tree, name: str) -> list[str]:
    return list(_one(tree, name).texts)


def test_licence_files_are_those_of_the_dist_info(tree: Tree) -> None:
    texts = dict.fromkeys(
        ["LICENSE.txt", "NOTICE", "COPYING.LESSER", "AUTHORS", "licenses/AUTHORS", "licenses/a/b"], "x"
    )
    texts["sboms/licence.json"] = "{}"
    tree.python(".venv", "one", "1", "", texts, LICENSE="x")

    assert _texts(tree, "one") == ["COPYING.LESSER", "LICENSE.txt", "NOTICE", "licenses/AUTHORS", "licenses/a/b"]


def test_without_them_they_are_those_that_lie_among_its_modules(tree: Tree) -> None:
    tree.python(".venv", "one", "1", "", None, **{"LICENSE": "x", "ThirdPartyNotices.txt": "x", "license.py": "pass"})

    assert _texts(tree, "one") == ["one/LICENSE", "one/ThirdPartyNotices.txt"]


def test_a_text_that_was_removed_or_lies_outside_is_none(tree: Tree) -> None:
    tree.python(".venv", "one-licence", "1", "", {"LICENSE": "x"})
    site = tree.code / ".venv/lib/python3.11/site-packages"
    (site / "one_licence-1.dist-info/LICENSE").unlink()
    tree.write("opt/offline-ocr/.venv/bin/one-licence", "a program")

    assert _texts(tree, "one-licence") == []


def test_a_package_without_a_record_has_no_texts(tree: Tree) -> None:
    tree.python(".venv", "one", "1", "", {"LICENSE": "x"})
    (tree.code / ".venv/lib/python3.11/site-packages/one-1.dist-info/RECORD").unlink()

    assert _texts(tree, "one") == []


def test_a_folder_without_environments_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no Python packages in .*\.venv"):
        python_packages.find(tmp_path)


# --- Debian


def test_packages_are_those_whose_files_are_there(tree: Tree) -> None:
    assert debian_packages.find(tree.root) == [
        DebianPackage("base-files", "12.4+deb12u11", "amd64", (), "/usr/share/doc/base-files/copyright"),
        DebianPackage("on-hold", "2.0-1", "all", (), None),
        DebianPackage("zlib1g", "1:1.2.13.dfsg-1", "amd64", ("BSL-1.0", "Zlib"), "/usr/share/doc/zlib1g/copyright"),
    ]


def test_one_package_of_two_architectures_is_two(tree: Tree) -> None:
    with (tree.root / debian_packages.STATUS).open("a") as status:
        status.write("\nPackage: zlib1g\nStatus: install ok installed\nArchitecture: arm64\nVersion: 1\n")

    assert [one.architecture for one in debian_packages.find(tree.root) if one.name == "zlib1g"] == ["amd64", "arm64"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Package: a\nStatus: install ok installed\nArchitecture: all\n", "a has no Version"),
        ("Version: 1\n", "a package has no Status"),
    ],
)
def test_a_record_that_lacks_a_field_is_refused(tree: Tree, text: str, complaint: str) -> None:
    tree.write(debian_packages.STATUS, text)

    with pytest.raises(ValueError, match=complaint):
        debian_packages.find(tree.root)


def test_copyright_that_is_not_utf8_is_read_all_the_same(tree: Tree) -> None:
    (tree.root / "usr/share/doc/zlib1g/copyright").write_bytes(b"Format: x\nCopyright: J\xfcrgen\nLicense: Zlib\n")

    assert debian_packages.find(tree.root)[-1].licences == ("Zlib",)
