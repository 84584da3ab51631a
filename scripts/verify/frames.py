"""What an Ethernet frame wanted, in words: enough to tell which program sent it. Pure.

Formats: IEEE 802.3; RFC 791 (IPv4), 8200 (IPv6), 768 (UDP), 9293 (TCP), 1035 section 4.1 (questions to a name server).
"""

import ipaddress
import struct

_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17
_DNS_PORT = 53


def described(frame: bytes) -> str:
    """`look-up of example.com`, `TCP to 203.0.113.1:443`; never raises, whatever the bytes are."""
    try:
        return _frame(frame)
    except (struct.error, IndexError, ValueError):
        return f"a packet of {len(frame)} bytes"


def _frame(frame: bytes) -> str:
    (kind,) = struct.unpack_from("!H", frame, 12)
    packet = frame[14:]
    if kind == _IPV4:
        return _datagram(packet[9], str(ipaddress.IPv4Address(packet[16:20])), packet[4 * (packet[0] & 15) :])
    if kind == _IPV6:
        return _datagram(packet[6], f"[{ipaddress.IPv6Address(packet[24:40])}]", packet[40:])
    return f"a frame of type {kind:#06x}"


def _datagram(protocol: int, address: str, data: bytes) -> str:
    if protocol not in {_TCP, _UDP}:
        return f"IP protocol {protocol} to {address}"
    (port,) = struct.unpack_from("!H", data, 2)
    if protocol == _UDP and port == _DNS_PORT:
        return f"look-up of {_question(data[8 + 12 :])}"
    return f"{'TCP' if protocol == _TCP else 'UDP'} to {address}:{port}"


def _question(data: bytes) -> str:
    """The name in a question: labels, each after its length, up to an empty one."""
    labels, at = [], 0
    while length := data[at]:
        labels.append(data[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels)
