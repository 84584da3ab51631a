"""The spool: nothing of a request outlives it, nothing of a killed server outlives the next one's start."""

import tempfile
from pathlib import Path

import pytest

from server.spool import Spool


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary folder of this test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def kill(spool: Spool) -> None:
    """What the end of its process does: the lock is gone, the folder stays."""
    assert spool._lock
    spool._lock.close()


def test_a_spool_is_a_folder_under_the_temporary_one_that_only_we_can_read(temporary: Path) -> None:
    spool = Spool()

    assert spool.root.parent == temporary
    assert spool.root.stat().st_mode & 0o077 == 0
    spool.close()


def test_each_request_has_its_own_folder_and_it_goes_with_the_request() -> None:
    spool = Spool()
    with spool.request() as one, spool.request() as two:
        assert one != two
        assert one.parent == two.parent == spool.root
        (one / "document").write_bytes(b"x")
        (one / "deeper").mkdir()
        (one / "deeper" / "crop.png").write_bytes(b"x")

    assert not one.exists()
    assert not two.exists()
    spool.close()


def test_a_request_that_fails_leaves_nothing_either() -> None:
    spool = Spool()
    with pytest.raises(ZeroDivisionError), spool.request() as folder:
        (folder / "document").write_bytes(b"x")
        raise ZeroDivisionError

    assert [path.name for path in spool.root.iterdir()] == ["lock"]
    spool.close()


def test_closing_removes_everything(temporary: Path) -> None:
    spool = Spool()
    (spool.root / "left").mkdir()
    spool.close()

    assert list(temporary.iterdir()) == []
    spool.close()  # and once more does no harm


def test_what_a_killed_server_left_is_removed_by_the_next_one(temporary: Path) -> None:
    killed = Spool()
    (killed.root / "request").mkdir()
    (killed.root / "request" / "document").write_bytes(b"private")
    kill(killed)

    spool = Spool()

    assert list(temporary.iterdir()) == [spool.root]
    spool.close()


def test_a_living_servers_spool_stays() -> None:
    living = Spool()
    (living.root / "request").mkdir()

    other = Spool()

    assert (living.root / "request").exists()
    assert living.root != other.root
    living.close()
    other.close()


def test_other_peoples_folders_stay(temporary: Path) -> None:
    (temporary / "spool-of-another-program").mkdir()
    (temporary / "offline-ocr-spool-file").write_text("no folder at all")

    spool = Spool()

    assert (temporary / "spool-of-another-program").exists()
    assert (temporary / "offline-ocr-spool-file").exists()
    spool.close()


def test_a_link_to_a_folder_elsewhere_is_not_followed(temporary: Path) -> None:
    (precious := temporary / "precious").mkdir()
    (precious / "file").write_text("precious")
    (temporary / "offline-ocr-spool-link").symlink_to(precious)

    spool = Spool()

    assert [path.name for path in precious.iterdir()] == ["file"]
    spool.close()


def test_without_a_place_to_write_there_is_no_spool(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "none"))

    with pytest.raises(OSError, match="No such file"):
        Spool()
