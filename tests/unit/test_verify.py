"""The parts of the verification that need no image: what was tried, what was read, what was written."""

import json
import struct
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.verify import known, writes
from scripts.verify.frames import described
from scripts.verify.network import without_route
from server.lock import LockedFile, LockedWeights

SNMP = """Ip: Forwarding DefaultTTL InReceives OutDiscards OutNoRoutes ReasmTimeout
Ip: 1 64 20 0 7 0
Icmp: InMsgs InErrors
Icmp: 0 0
"""
PRINTED = (Path(known.PAGE).with_suffix(".txt")).read_text("utf-8")


def ipv4(protocol: int, to: str, payload: bytes) -> bytes:
    """An Ethernet frame with an IPv4 packet, its header without options."""
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    return b"\0" * 12 + b"\x08\x00" + header + ip_address("192.0.2.1").packed + ip_address(to).packed + payload


def question(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHH", 40000, 53, 0, 0) + b"\0" * 12 + labels + b"\0\0\1\0\1"


def test_a_frame_says_what_was_wanted() -> None:
    assert described(ipv4(17, "192.0.2.53", question("hub.example.org"))) == "look-up of hub.example.org"
    assert described(ipv4(6, "203.0.113.1", struct.pack("!HH", 40000, 443))) == "TCP to 203.0.113.1:443"
    assert described(ipv4(17, "203.0.113.1", struct.pack("!HH", 40000, 123))) == "UDP to 203.0.113.1:123"
    assert described(ipv4(1, "203.0.113.1", b"ping")) == "IP protocol 1 to 203.0.113.1"
    six = (
        b"\0" * 12
        + b"\x86\xdd"
        + struct.pack("!IHBB", 6 << 28, 4, 6, 64)
        + b"\0" * 16
        + ip_address("2001:db8::1").packed
    )
    assert described(six + struct.pack("!HH", 40000, 443)) == "TCP to [2001:db8::1]:443"
    assert described(b"\0" * 12 + b"\x08\x06" + b"\0" * 28) == "a frame of type 0x0806"


@given(st.binary(max_size=200))
def test_any_frame_is_described(data: bytes) -> None:
    assert described(data)
    assert described(b"\0" * 12 + b"\x08\x00" + data)


def test_packets_without_a_route_are_counted_for_both_versions() -> None:
    assert without_route(SNMP, "Ip6InReceives\t5\nIp6OutNoRoutes\t4\n") == 11
    assert without_route(SNMP, "") == 7


def weights(sha256: str) -> LockedWeights:
    return LockedWeights("hub/A", "huggingface", "a/A", "c0ffee", {"model.safetensors": LockedFile(3, sha256)})


def test_text_is_held_against_what_is_stored_for_these_very_weights(tmp_path: Path) -> None:
    stored = tmp_path / "known_texts.json"
    entry = {"options": {"max_new_tokens": 16}, "text": "qx zz\n"}
    stored.write_text(json.dumps({"glm-ocr": {known.digest([weights("a" * 64)]): entry}}))
    expected = known.expected("glm-ocr", [weights("a" * 64)], stored)
    assert expected.options == {"max_new_tokens": 16}
    assert expected.judged("qx  zz")[0]
    assert expected.judged("qx zy") == (False, "'qx zy' was not stored")
    assert not known.expected("glm-ocr", [weights("b" * 64)], stored).exact
    assert not known.expected("other", [weights("a" * 64)], stored).exact


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (PRINTED, True),
        (PRINTED.replace("lamps", "lamp"), True),
        ("", False),
        (PRINTED[:200], False),
        (PRINTED[::-1], False),
        (PRINTED.replace("385", "335"), False),
        (PRINTED + "and a hundred more letters that nobody printed anywhere", False),
    ],
)
def test_of_other_weights_the_printed_text_is_wanted(tmp_path: Path, text: str, right: bool) -> None:
    expected = known.expected("glm-ocr", [], tmp_path / "none.json")
    assert expected.judged(text)[0] is right


def test_what_was_written_is_named() -> None:
    before = {Path("/a"): (1, 5), Path("/b"): (1, 5), Path("/c"): (1, 5)}
    after = {Path("/a"): (1, 5), Path("/b"): (2, 5), Path("/d"): (1, 0)}
    assert writes.between(before, after) == ["/b was written to", "/c was removed", "/d was made"]
    assert writes.between(before, before) == []
