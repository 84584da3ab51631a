"""Saved results: safe names, each caller's own, gone after their time."""

import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.errors import NotFound
from server.results import KINDS, ResultStore, safe_stem

NAME = re.compile(r"(\d{8}_\d{6})_(.+)_([0-9a-f]{8})(\.[a-z]+)")
CONTENTS = {kind: f"content of {kind}".encode() for kind in KINDS}


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """A store whose files live an hour."""
    return ResultStore(tmp_path / "results", 3600)


def name_of(address: str) -> str:
    """The last part of an address."""
    return address.rpartition("/")[2]


def age(store: ResultStore, owner: str, seconds: float) -> None:
    """Make this owner's files so much older."""
    for saved in store.all(owner):
        os.utime(saved.path, (time.time() - seconds,) * 2)


# --- names


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_its_time_the_documents_own_and_eight_digits(store: ResultStore, kind: str) -> None:
    before = time.strftime("%Y%m%d_%H%M%S", time.gmtime(time.time()))
    addresses = store.save("alice", "Contract v2.pdf", {kind: b"x"})
    after = time.strftime("%Y%m%d_%H%M%S", time.gmtime(time.time()))

    assert list(addresses) == [kind]
    assert addresses[kind].startswith(f"/files/{kind}/")
    match = NAME.fullmatch(name_of(addresses[kind]))
    assert match
    assert before <= match[1] <= after
    assert (match[2], match[4]) == ("Contract_v2", KINDS[kind][0])


def test_the_files_of_one_result_share_its_name(store: ResultStore) -> None:
    addresses = store.save("alice", "a.pdf", CONTENTS)

    assert len({Path(address).stem for address in addresses.values()}) == 1
    assert set(addresses) == set(KINDS)


def test_results_of_the_same_second_do_not_collide(store: ResultStore) -> None:
    addresses = [store.save("alice", "a.pdf", {"json": str(number).encode()})["json"] for number in range(50)]

    assert len(set(addresses)) == 50
    assert {store.find("alice", "json", name_of(address)).path.read_bytes() for address in addresses} == {
        str(number).encode() for number in range(50)
    }


@pytest.mark.parametrize(
    ("filename", "stem"),
    [
        (None, "document"),
        ("", "document"),
        ("..", "document"),
        ("...", "document"),
        (".pdf", "pdf"),
        ("___.pdf", "document"),
        ("🙂🙂.png", "document"),
        ("scan.pdf", "scan"),
        ("archive.tar.gz", "archive_tar"),
        ("Договор №5 (копия).pdf", "Договор_5_копия"),
        ("合同.pdf", "合同"),
        ("e\u0301te\u0301.pdf", "été"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot"),
        ("a\x00b\nc.pdf", "a_b_c"),
        ("-rf", "-rf"),
        ("a" * 300 + ".pdf", "a" * 60),
        ("CON.pdf", "CON"),
        ("'; DROP TABLE--.pdf", "DROP_TABLE--"),
        ("<script>.html", "script"),
        ("half\ud800pair.png", "half_pair"),
    ],
)
def test_a_stem_is_safe_and_still_says_what_it_was(filename: str | None, stem: str) -> None:
    assert safe_stem(filename) == stem


@given(st.none() | st.text(max_size=300) | st.text("я中𠀀é./\\-_ ", max_size=300))
@example("я" * 60)
@example("中" * 60)
@example("𠀀" * 60)
@example("a_" * 60)
def test_whatever_the_document_is_called_its_result_is_saved_and_found(
    tmp_path_factory: pytest.TempPathFactory, filename: str | None
) -> None:
    store = ResultStore(tmp_path_factory.getbasetemp() / "named", 3600)

    for kind, address in store.save("alice", filename, CONTENTS).items():
        name = name_of(address)
        assert address == f"/files/{kind}/{name}"
        assert len(f".{name}.part".encode()) <= 255
        assert store.find("alice", kind, name).path.read_bytes() == CONTENTS[kind]


@pytest.mark.parametrize(("letter", "kept"), [("я", 60), ("中", 60), ("𠀀", 50)])
def test_long_names_in_other_scripts_are_cut_at_a_whole_letter(letter: str, kept: int) -> None:
    assert safe_stem(letter * 100) == letter * kept


# --- reading


def test_a_saved_file_is_described_as_it_is(store: ResultStore) -> None:
    before = time.time()
    address = store.save("alice", "a.pdf", {"markdown": "# ё".encode()})["markdown"]
    found = store.find("alice", "markdown", name_of(address))

    assert (found.kind, found.name, found.size) == ("markdown", name_of(address), 4)
    assert before - 1 <= found.created <= time.time() + 1
    assert found.path.read_text("utf-8") == "# ё"
    assert store.all("alice") == [found]


def test_files_are_listed_newest_first(store: ResultStore) -> None:
    names = []
    for number in range(4):
        names.append(name_of(store.save("alice", f"{number}.pdf", {"json": b"x"})["json"]))
        age(store, "alice", 0)
    for order, name in enumerate(names):
        os.utime(store.find("alice", "json", name).path, (time.time() - 100 + order,) * 2)

    assert [saved.name for saved in store.all("alice")] == names[::-1]


def test_nobody_sees_anothers_files(store: ResultStore) -> None:
    address = store.save("alice", "a.pdf", {"json": b"x"})["json"]

    assert store.all("bob") == []
    with pytest.raises(NotFound):
        store.find("bob", "json", name_of(address))


def test_a_file_is_of_its_own_kind_only(store: ResultStore) -> None:
    address = store.save("alice", "a.pdf", CONTENTS)["json"]

    for kind in [*KINDS, "xml", "..", ".", "", "json/../json"]:
        if kind != "json":
            with pytest.raises(NotFound):
                store.find("alice", kind, name_of(address))


@pytest.mark.parametrize("kind", ["json", "..", ".", "../alice/json", ""])
@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "",
        "secret",
        "../secret",
        "../../secret",
        "/etc/passwd",
        "..%2fsecret",
        "20240101_000000_a_00000000.json/../../secret",
        "../json/20240101_000000_a_00000000.json",
        "20240101_000000_../../../secret_00000000.json",
        "20240101_000000_a_00000000.json\n",
        "20240101_000000_a_00000000.json\x00",
        ".20240101_000000_a_00000000.json.part",
    ],
)
def test_no_name_leads_out_of_the_folder(store: ResultStore, tmp_path: Path, kind: str, name: str) -> None:
    folder = tmp_path / "results" / "alice" / "json"
    folder.mkdir(parents=True)
    for path in (tmp_path / "secret", tmp_path / "results" / "secret", tmp_path / "results" / "alice" / "secret"):
        path.write_bytes(b"secret")
    (folder / ".20240101_000000_a_00000000.json.part").write_bytes(b"half")

    with pytest.raises(NotFound):
        store.find("alice", kind, name)


def test_a_half_written_file_is_not_listed(store: ResultStore, tmp_path: Path) -> None:
    store.save("alice", "a.pdf", {"json": b"x"})
    (tmp_path / "results" / "alice" / "json" / ".b.json.part").write_bytes(b"half")

    assert [path.name[0] for path in (tmp_path / "results" / "alice" / "json").iterdir()].count(".") == 1
    assert len(store.all("alice")) == 1


def test_a_store_without_a_folder_is_empty(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "none", 3600)

    assert (store.all("alice"), store.sweep()) == ([], 0)


def test_a_result_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")

    with pytest.raises(OSError, match="Not a directory"):
        ResultStore(tmp_path / "results", 3600).save("alice", "a.pdf", {"json": b"x"})


# --- time


def test_an_expired_file_is_gone_at_once(store: ResultStore) -> None:
    address = store.save("alice", "a.pdf", {"json": b"x"})["json"]
    age(store, "alice", 3601)

    assert store.all("alice") == []
    with pytest.raises(NotFound, match="it may have expired"):
        store.find("alice", "json", name_of(address))


def test_a_file_is_there_until_its_time_is_over(store: ResultStore) -> None:
    address = store.save("alice", "a.pdf", {"json": b"x"})["json"]
    age(store, "alice", 3590)

    assert store.find("alice", "json", name_of(address))
    assert store.sweep() == 0


def test_the_sweep_deletes_what_is_expired_of_every_owner_and_nothing_else(store: ResultStore, tmp_path: Path) -> None:
    for owner in ("alice", "bob"):
        store.save(owner, "old.pdf", CONTENTS)
        age(store, owner, 3700)
    fresh = store.save("bob", "new.pdf", {"json": b"x"})["json"]
    half = tmp_path / "results" / "alice" / "json" / ".left.json.part"
    half.write_bytes(b"half")
    os.utime(half, (time.time() - 3700,) * 2)

    assert store.sweep() == 2 * len(KINDS) + 1
    files = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [name_of(fresh)]
    assert store.sweep() == 0
