"""Which addresses and which spellings of them a document may come from."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.addresses import MAX_URL_CHARS, is_public, parse_url
from server.errors import UrlNotAllowed

REFUSED_BLOCKS = [
    # IANA IPv4 Special-Purpose Address Registry, with RFC 5771 for multicast
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    # IANA IPv6 Special-Purpose Address Registry, with RFC 4291 for multicast and the deprecated site-local
    "::/96",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/32",
    "2001:2::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]


@pytest.mark.parametrize("block", REFUSED_BLOCKS)
def test_special_blocks_are_refused_from_their_first_to_their_last_address(block: str) -> None:
    network = ip_network(block)
    for address in (network[0], network[1], network[network.num_addresses // 2], network[-2], network[-1]):
        assert not is_public(address), address


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",  # metadata: AWS, Google, Azure, OpenStack
        "fd00:ec2::254",  # metadata: AWS
        "100.100.100.200",  # metadata: Alibaba
        "192.0.0.192",  # metadata: Oracle
        "168.63.129.16",  # host agent: Azure
        "0.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)
def test_single_addresses_are_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700:4700::1111",
        "2a02:6b8::2:242",
        "3ffe:ffff::1",
        "64:ff9b::8.8.8.8",
    ],
)
def test_public_addresses_pass_up_to_the_edge_of_the_refused_blocks(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses())
def test_no_address_passes_that_the_standard_library_calls_special(address: IPv4Address | IPv6Address) -> None:
    special = not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local
    if special and address not in ip_network("64:ff9b::/96"):
        assert not is_public(address)


@given(st.ip_addresses(v=4))
@example(IPv4Address("8.8.8.8"))
def test_an_ipv4_address_inside_another_is_never_more_public_than_itself(inner: IPv4Address) -> None:
    value = int(inner)
    assert is_public(IPv6Address((0x64_FF9B << 96) | value)) == is_public(inner)
    assert not is_public(IPv6Address(value))  # IPv4-compatible
    assert not is_public(IPv6Address((0xFFFF << 32) | value))  # IPv4-mapped
    assert not is_public(IPv6Address((0x2002 << 112) | (value << 80) | 1))  # 6to4
    assert not is_public(IPv6Address((0x2001_0000 << 96) | (value ^ 0xFFFF_FFFF)))  # Teredo, client
    assert not is_public(IPv6Address((0x2001_0000 << 96) | (value << 64)))  # Teredo, server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "document.pdf",
        "//example.com/a",
        "http://",
        "http:///a",
        "http:example.com",
        "file:///etc/passwd",
        "ftp://example.com/a",
        "gopher://example.com/",
        "data:text/plain,a",
        "javascript:alert(1)",
        " http://example.com/",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://example.com\\@127.0.0.1/",
        "http://127.0.0.1\\.example.com/",
        "http://example.com:0/",
        "http://example.com:-1/",
        "http://example.com:65536/",
        "http://example.com:http/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://127.1/",
        "http://127.0.1/",
        "http://0/",
        "http://127.0.0.1./",
        "http://example.com./",
        "http://example..com/",
        "http://-a.com/",
        "http://%31%32%37.0.0.1/",
        "http://example%2ecom/",
        "http://１２７.０.０.１/",
        "http://①②⑦.0.0.1/",
        "http://ｅxample.com/",
        "http://[::1/",
        "http://[v1.a]/",
        "http://[127.0.0.1]/",
        "http://exa mple.com/",
        "http://example.com/\r\nHost: other",
        "http://example.com/\x00",
        "http://\ud800.com/",
        "http://example.com/\ud800",
        f"http://{'a' * 64}.com/",
        f"http://{'a.' * 126}com/",
        "http://example.com/" + "a" * MAX_URL_CHARS,
    ],
)
def test_odd_addresses_are_refused(text: str) -> None:
    with pytest.raises(UrlNotAllowed):
        parse_url(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("http://127.0.0.1:80/", "127.0.0.1"),
        ("http://127。0。0。1/", "127.0.0.1"),
        ("http://[::FFFF:127.0.0.1]/", "::ffff:127.0.0.1"),
        ("http://[fe80::1%25eth0]/", "fe80::1%25eth0"),
    ],
)
def test_a_host_that_reads_as_an_address_is_that_address_and_not_a_name(text: str, host: str) -> None:
    found = ip_address(parse_url(text).raw_host.decode())
    assert found == ip_address(host)
    assert not is_public(found)


@pytest.mark.parametrize(
    ("text", "netloc", "target"),
    [
        ("https://example.com", b"example.com", b"/"),
        ("HTTPS://Example.COM/A%2Fb?x=%20&y=a+b#part", b"example.com", b"/A%2Fb?x=%20&y=a+b"),
        ("http://example.com:8080/скан.pdf", b"example.com:8080", b"/%D1%81%D0%BA%D0%B0%D0%BD.pdf"),
        ("https://документы.рф/1.pdf", b"xn--d1acoigc6ae0f.xn--p1ai", b"/1.pdf"),
        ("https://my_bucket.s3.example.com/k", b"my_bucket.s3.example.com", b"/k"),
        ("https://1.example.com/", b"1.example.com", b"/"),
        ("https://[2606:4700::1111]:8443/", b"[2606:4700::1111]:8443", b"/"),
    ],
)
def test_usual_addresses_are_read(text: str, netloc: bytes, target: bytes) -> None:
    url = parse_url(text)
    assert (url.netloc, url.raw_path) == (netloc, target)


def test_a_redirect_is_read_relative_to_where_it_came_from() -> None:
    base = httpx2.URL("https://example.com/a/b?c=1")
    assert str(parse_url("../d", base)) == "https://example.com/d"
    assert str(parse_url("//other.example/e", base)) == "https://other.example/e"
    for refused in ("file:///etc/passwd", "//user:password@example.com/", "http://127.1/", "http://[::1/"):
        with pytest.raises(UrlNotAllowed):
            parse_url(refused, base)


URL_PARTS = st.sampled_from(
    ["http", "s", ":", "/", "//", "@", "[", "]", "\\", "?", "#", "%", ".", "0x7f", "127", "com"]
)


@given(st.one_of(st.text(), st.lists(URL_PARTS | st.text(max_size=2)).map(lambda parts: "http://" + "".join(parts))))
def test_any_text_is_read_or_refused_and_what_is_read_is_safe_to_pin(text: str) -> None:
    try:
        url = parse_url(text)
    except UrlNotAllowed:
        return
    assert url.scheme in ("http", "https")
    assert not url.userinfo
    host = url.raw_host.decode("ascii")
    assert host
    assert not host.endswith(".")
    pinned = url.copy_with(host="192.0.2.1")  # what is connected to differs in nothing but the host
    assert (pinned.scheme, pinned.raw_host, pinned.port) == (url.scheme, b"192.0.2.1", url.port)
    assert pinned.raw_path == url.raw_path
