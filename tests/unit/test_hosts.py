"""Hosts as operators list them."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hosts import Address, host_and_port


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("hooks.example.com", "hooks.example.com", None),
        ("Hooks.Example.COM:443", "hooks.example.com", 443),
        ("localhost:1", "localhost", 1),
        ("my_bucket.example.com", "my_bucket.example.com", None),
        ("xn--d1acoigc6ae0f.xn--p1ai", "xn--d1acoigc6ae0f.xn--p1ai", None),
        ("93.184.216.34", IPv4Address("93.184.216.34"), None),
        ("93.184.216.34:65535", IPv4Address("93.184.216.34"), 65535),
        ("[2606:4700:0:0::1111]", IPv6Address("2606:4700::1111"), None),
        ("[2606:4700::ABCD]:8443", IPv6Address("2606:4700::abcd"), 8443),
    ],
)
def test_names_and_addresses_are_read_with_and_without_a_port(text: str, host: Address | str, port: int | None) -> None:
    assert host_and_port(text) == (host, port)


@given(st.text() | st.lists(st.sampled_from("a01.:[]-_xn%/@ß")).map("".join))
def test_any_text_is_read_or_refused_and_what_is_read_can_be_written_again(text: str) -> None:
    try:
        host, port = host_and_port(text)
    except ValueError as error:
        assert repr(text) in str(error)
        return
    written = f"[{host}]" if isinstance(host, IPv6Address) else str(host)
    assert host_and_port(written if port is None else f"{written}:{port}") == (host, port)
