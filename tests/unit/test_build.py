"""Which build this is: what the repository or the image says, never a constant in the code."""

import tomllib
from pathlib import Path

import pytest

from server import build

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without anything."""
    monkeypatch.setattr(build, "_ROOT", tmp_path)
    return tmp_path


def git(root: Path, **files: str) -> None:
    """A checkout with these files in .git; `__` stands for `/`, `_` for `-`."""
    for name, content in files.items():
        path = root / ".git" / name.replace("__", "/").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_the_version_is_the_projects() -> None:
    assert build.version() == tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_the_version_follows_the_project(root: Path) -> None:
    (root / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "9.8.7"\n')

    assert build.version() == "9.8.7"


def test_an_image_says_its_revision_in_a_file(root: Path) -> None:
    git(root, HEAD="f" * 40)
    (root / "REVISION").write_text(COMMIT + "\n")

    assert build.revision() == COMMIT


def test_a_checkout_says_it_by_its_branch(root: Path) -> None:
    git(root, HEAD="ref: refs/heads/main\n", refs__heads__main=COMMIT + "\n")

    assert build.revision() == COMMIT


def test_a_checkout_of_no_branch_says_it_itself(root: Path) -> None:
    git(root, HEAD=COMMIT + "\n")

    assert build.revision() == COMMIT


def test_a_packed_branch_is_found_too(root: Path) -> None:
    packed = f"# pack-refs with: peeled\n{'a' * 40} refs/heads/not-main\n{COMMIT} refs/heads/main\n^{'b' * 40}\n"
    git(root, HEAD="ref: refs/heads/main\n", packed_refs=packed)

    assert build.revision() == COMMIT


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"config": ""},
        {"HEAD": "ref: refs/heads/new\n"},
        {"HEAD": "ref: refs/heads/new\n", "packed_refs": f"{COMMIT} refs/heads/main\n"},
    ],
    ids=["no checkout", "no head", "no commit", "another branch"],
)
def test_where_nothing_says_it_it_is_unknown(root: Path, files: dict[str, str]) -> None:
    git(root, **files)

    assert build.revision() == "unknown"


def test_a_git_file_of_a_work_tree_is_no_folder(root: Path) -> None:
    (root / ".git").write_text("gitdir: /elsewhere\n")

    assert build.revision() == "unknown"


def test_this_checkout_knows_its_revision() -> None:
    assert build.revision()
