"""The image's bill of materials: what is in it, and that equal images have equal ones."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.image import components, sbom
from scripts.image.components import FoundWeights
from server import build, lock
from server.lock import LockedFile
from tests.unit.image_tree import COMMIT, Tree

MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path / "image")
    tree.python(".venv-vllm", "idna", "3.20", "License-Expression: BSD-3-Clause\n")
    tree.python(".venv-vllm", "Two_Names", "1.0+cpu", "License-Expression: MIT OR Apache-2.0\n")
    tree.python(".venv-vllm", "old", "2", "Classifier: License :: A :: B\nClassifier: License :: C\n")
    tree.weights(**{"GLM-OCR": {"model.safetensors": "tensors", "config.json": "{}"}, "other": {"a": ""}})
    return tree


def _text(tree: Tree) -> str:
    return sbom.written(components.find(tree.root, tree.code, tree.models), MADE)


def _component(tree: Tree, name: str) -> dict[str, Any]:
    [found] = [each for each in json.loads(_text(tree))["components"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


def test_the_document_is_cyclonedx_about_this_project(tree: Tree) -> None:
    data = json.loads(_text(tree))

    assert (data["bomFormat"], data["specVersion"]) == ("CycloneDX", "1.6")
    assert data["metadata"]["timestamp"] == MADE.isoformat()
    assert data["metadata"]["component"] == {
        "bom-ref": "offline-ocr",
        "licenses": [{"license": {"acknowledgement": "declared", "id": "Apache-2.0"}}],
        "name": "offline-ocr",
        "type": "application",
        "version": build.version(),
    }


def test_every_component_is_there_once_and_the_project_depends_on_it(tree: Tree) -> None:
    data = json.loads(_text(tree))
    references = [each["bom-ref"] for each in data["components"]]

    assert sorted(references) == [
        "pkg:deb/debian/base-files@12.4%2Bdeb12u11?arch=amd64",
        "pkg:deb/debian/on-hold@2.0-1?arch=all",
        "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64",
        "pkg:npm/%40scope/part@1.2.3",
        "pkg:npm/preact@11.2.0",
        "pkg:pypi/idna@3.20",
        "pkg:pypi/old@2",
        "pkg:pypi/two-names@1.0%2Bcpu",
        "weights:GLM-OCR",
        "weights:other",
    ]
    [whole] = [each for each in data["dependencies"] if each["ref"] == "offline-ocr"]
    assert sorted(whole["dependsOn"]) == sorted(references)


def test_a_python_package_says_in_which_environments_it_is(tree: Tree) -> None:
    assert _component(tree, "idna") == {
        "bom-ref": "pkg:pypi/idna@3.20",
        "licenses": [{"license": {"acknowledgement": "declared", "id": "BSD-3-Clause"}}],
        "name": "idna",
        "properties": [
            {"name": "offline-ocr:environment", "value": ".venv"},
            {"name": "offline-ocr:environment", "value": ".venv-vllm"},
        ],
        "purl": "pkg:pypi/idna@3.20",
        "type": "library",
        "version": "3.20",
    }


def test_an_npm_package_says_what_its_licence_is(tree: Tree) -> None:
    assert _component(tree, "@scope/part") == {
        "bom-ref": "pkg:npm/%40scope/part@1.2.3",
        "licenses": [{"acknowledgement": "declared", "expression": "(MPL-2.0 OR Apache-2.0)"}],
        "name": "@scope/part",
        "purl": "pkg:npm/%40scope/part@1.2.3",
        "type": "library",
        "version": "1.2.3",
    }


def test_licences_are_expressions_or_names_as_they_are_stated(tree: Tree) -> None:
    assert _component(tree, "Two_Names")["licenses"] == [
        {"acknowledgement": "declared", "expression": "MIT OR Apache-2.0"}
    ]
    assert _component(tree, "old")["licenses"] == [
        {"license": {"acknowledgement": "declared", "name": name}} for name in ("B", "C")
    ]
    assert [each["license"]["name"] for each in _component(tree, "zlib1g")["licenses"]] == ["BSL-1.0", "Zlib"]
    assert "licenses" not in _component(tree, "base-files")


def test_weights_say_where_they_come_from_and_what_each_file_is(tree: Tree) -> None:
    found = _component(tree, "GLM-OCR")

    assert (found["type"], found["version"]) == ("machine-learning-model", COMMIT)
    assert found["licenses"] == [{"license": {"acknowledgement": "declared", "id": "MIT"}}]
    assert {each["name"]: each["value"] for each in found["properties"]} == {
        "offline-ocr:folder": "hub/GLM-OCR",
        "offline-ocr:repository": "owner/GLM-OCR",
        "offline-ocr:source": "huggingface",
    }
    assert [(each["name"], each["hashes"]) for each in found["components"]] == [
        (name, [{"alg": "SHA-256", "content": lock.sha256(tree.models / "hub/GLM-OCR" / name)}])
        for name in ("config.json", "model.safetensors")
    ]


def test_weights_that_the_catalogue_does_not_know_state_no_licence(tree: Tree) -> None:
    assert "licenses" not in _component(tree, "other")


def test_weights_of_no_known_commit_have_no_version(tree: Tree) -> None:
    found = components.find(tree.root, tree.code, tree.models)
    one = replace(found.weights[0], locked=replace(found.weights[0].locked, commit=None))

    [weights] = [
        each
        for each in json.loads(sbom.written(replace(found, weights=[one]), MADE))["components"]
        if each["type"] == "machine-learning-model"
    ]

    assert "version" not in weights


def test_an_image_without_weights_has_none(tree: Tree) -> None:
    shutil.rmtree(tree.models)

    assert {each["type"] for each in json.loads(_text(tree))["components"]} == {"library"}


def test_equal_images_have_equal_documents(tree: Tree, tmp_path: Path) -> None:
    before = _text(tree)
    shutil.move(tree.root, tmp_path / "elsewhere")
    tree.root, tree.code = tmp_path / "elsewhere", tmp_path / "elsewhere/opt/offline-ocr"
    tree.models = tmp_path / "elsewhere/opt/models"

    assert _text(tree) == before


def test_another_image_has_another_serial_number(tree: Tree) -> None:
    before = json.loads(_text(tree))["serialNumber"]
    tree.python(".venv", "idna", "3.21")

    assert json.loads(_text(tree))["serialNumber"] != before


def test_what_the_schema_refuses_is_not_printed(tree: Tree) -> None:
    found = components.find(tree.root, tree.code, tree.models)
    locked = replace(found.weights[0].locked, files={"a": LockedFile(1, "short")})

    with pytest.raises(sbom.InvalidBomError, match="short"):
        sbom.written(replace(found, weights=[FoundWeights("x", None, locked)]), MADE)


# --- the program


def test_the_time_is_that_of_the_build(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sbom", *tree.arguments])
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(MADE.timestamp())))
    assert sbom.main() == 0
    assert capsys.readouterr().out == _text(tree)

    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert sbom.main() == 0
    assert json.loads(capsys.readouterr().out)["metadata"]["timestamp"] == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("opt/models/models.lock.json", "is no lock"),
        ("var/lib/dpkg/status", "has no Status"),
        ("opt/offline-ocr/web/dist/packages.json", "is no list of packages"),
    ],
)
def test_a_record_that_cannot_be_read_is_exit_code_1(
    tree: Tree, file: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write(file, "Package: a\n")
    monkeypatch.setattr("sys.argv", ["sbom", *tree.arguments])

    assert sbom.main() == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("failed: ")
    assert reason in said.err
