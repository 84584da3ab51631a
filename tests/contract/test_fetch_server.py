"""Documents by URL, against a real HTTP server on loopback.

Given what a host answers, this is what `fetch` saves or refuses.
"""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.errors import OcrError, UploadTooLarge, UrlFetchFailed, UrlNotAllowed
from server.fetch import MAX_REDIRECTS, fetch
from tests.contract.hosts import BODY, DEAD, Answer, Host, Names, Visit, allowed, endless, here, reply, tls_of

pytestmark = pytest.mark.contract


def redirects(**locations: str) -> Answer:
    """`/name` redirects to its location, in which PORT stands for the host's port; other paths get the document."""

    async def answer(visit: Visit) -> AsyncIterator[bytes]:
        location = locations.get(visit.target.strip("/"))
        port = visit.headers["host"].rpartition(":")[2]
        step = reply() if location is None else reply(b"moved", "302 Found", Location=location.replace("PORT", port))
        async for block in step(visit):
            yield block

    return answer


class Desk:
    """Where a test fetches to: `get` starts the host, fetches one path of it, and checks what a failure leaves."""

    def __init__(self, folder: Path) -> None:
        self.target = folder / "document"

    def get(
        self,
        host: Host,
        path: str = "/",
        *,
        name: str = "docs.test",
        names: Names | None = None,
        max_bytes: int = 1_000_000,
        timeout_s: float = 20.0,
        scheme: str = "http",
    ) -> bytes:
        async def run() -> None:
            async with host:
                await fetch(
                    f"{scheme}://{name}:{host.port}{path}",
                    self.target,
                    max_bytes=max_bytes,
                    timeout_s=timeout_s,
                    resolve=names or Names(docs=here()),
                    allowed=allowed,
                )

        try:
            asyncio.run(run())
        except OcrError as error:
            assert not self.target.exists()
            assert "127.0.0." not in error.detail
            assert "169.254" not in error.detail
            raise
        return self.target.read_bytes()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# --- What arrives


def test_a_document_is_saved_and_the_host_sees_a_plain_request_for_its_own_name(desk: Desk) -> None:
    host = Host(reply(Set_Cookie="a=1"))
    assert desk.get(host, "/скан%2F1.pdf?sig=a%2Bb&x=1") == BODY
    [visit] = host.visits
    assert visit.target == "/%D1%81%D0%BA%D0%B0%D0%BD%2F1.pdf?sig=a%2Bb&x=1"
    assert visit.headers == {
        "host": f"docs.test:{host.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": "offline-ocr",
    }


def test_proxies_and_passwords_in_the_environment_are_not_used(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens: used, it would fail
    (tmp_path / "netrc").write_text("default login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    host = Host(reply())
    assert desk.get(host) == BODY
    assert "authorization" not in host.visits[0].headers


def test_a_body_that_ends_with_the_connection_is_saved(desk: Desk) -> None:
    async def answer(_: Visit) -> AsyncIterator[bytes]:
        yield b"HTTP/1.0 200 OK\r\n\r\n" + BODY

    assert desk.get(Host(answer)) == BODY


def test_a_document_of_exactly_the_limit_is_saved(desk: Desk) -> None:
    assert desk.get(Host(reply(b"x" * 1000)), max_bytes=1000) == b"x" * 1000


def test_a_document_of_many_blocks_arrives_whole_and_in_order(desk: Desk) -> None:
    body = b"".join(number.to_bytes(4, "big") for number in range(500_000))
    assert desk.get(Host(reply(body)), max_bytes=len(body)) == body


def test_gzip_that_a_store_sends_unasked_is_unpacked(desk: Desk) -> None:
    assert desk.get(Host(reply(gzip.compress(BODY), Content_Encoding="GZIP"))) == BODY
    desk.target.unlink()
    assert desk.get(Host(reply(zlib.compress(BODY), Content_Encoding="deflate"))) == BODY


def test_the_next_address_of_a_name_is_tried_when_one_does_not_answer(desk: Desk) -> None:
    assert desk.get(Host(reply()), names=Names(docs=[[DEAD, "127.0.0.1"]])) == BODY


# --- Where it leads


def test_a_name_for_this_host_is_refused_by_default(desk: Desk) -> None:
    host = Host(reply())

    async def run(name: str) -> None:
        async with host:
            await fetch(f"http://{name}:{host.port}/", desk.target, max_bytes=100, timeout_s=20.0)

    for name in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"):
        with pytest.raises(UrlNotAllowed):
            asyncio.run(run(name))
    assert host.visits == []


def test_one_inside_address_among_public_ones_refuses_the_name(desk: Desk) -> None:
    for found in (["127.0.0.1", "10.1.2.3"], ["127.0.0.1", "fd00:ec2::254"], ["fe80::1%lo", "127.0.0.1"]):
        host = Host(reply())
        with pytest.raises(UrlNotAllowed) as refused:
            desk.get(host, names=Names(docs=[found]))
        assert not any(address in refused.value.detail for address in found)
        assert host.visits == []


def test_a_name_is_looked_up_once_and_the_connection_stays_with_that_answer(desk: Desk) -> None:
    names = Names(docs=[["127.0.0.1"], ["127.0.0.2"]])  # the second answer is a rebinding to an address not allowed
    host = Host(reply())
    assert desk.get(host, names=names) == BODY
    assert names.asked == ["docs.test"]
    assert len(host.visits) == 1


def test_a_redirect_looks_its_name_up_again_and_a_rebound_answer_is_refused(desk: Desk) -> None:
    names = Names(docs=[["127.0.0.1"], ["127.0.0.2"]])
    host = Host(redirects(a="/b"))
    with pytest.raises(UrlNotAllowed):
        desk.get(host, "/a", names=names)
    assert names.asked == ["docs.test", "docs.test"]
    assert len(host.visits) == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "//10.0.0.1:PORT/",
        "http://127.1:PORT/",
        "http://0x7f000001:PORT/",
        "http://localhost.:PORT/",
        "http://inside.test:PORT/",
        "http://user:password@docs.test:PORT/",
        "file:///etc/passwd",
        "ftp://docs.test/",
        "http://[::1",
        "http://docs.test:99999/",
    ],
)
def test_a_redirect_gets_every_check_again(desk: Desk, location: str) -> None:
    host = Host(redirects(a=location))
    with pytest.raises(UrlNotAllowed):
        desk.get(host, "/a", names=Names(docs=here(2), inside=[["192.168.0.1"]]))
    assert len(host.visits) == 1


def test_redirects_are_followed_to_other_paths_and_names_without_cookies(desk: Desk) -> None:
    async def first(visit: Visit) -> AsyncIterator[bytes]:
        port = visit.headers["host"].rpartition(":")[2]
        location = {"/a": "b?x=1", "/b?x=1": f"http://other.test:{port}/c#part"}.get(visit.target)
        step = reply(b"", "307 Temporary Redirect", Location=location, Set_Cookie="a=1") if location else reply()
        async for block in step(visit):
            yield block

    host = Host(first)
    assert desk.get(host, "/a", names=Names(docs=here(2), other=here())) == BODY
    seen = [(visit.headers["host"].partition(":")[0], visit.target) for visit in host.visits]
    assert seen == [("docs.test", "/a"), ("docs.test", "/b?x=1"), ("other.test", "/c")]
    assert not any("cookie" in visit.headers or "referer" in visit.headers for visit in host.visits)


def test_as_many_redirects_as_allowed_are_followed_and_not_one_more(desk: Desk) -> None:
    steps = {str(number): f"/{number + 1}" for number in range(MAX_REDIRECTS + 1)}
    assert desk.get(Host(redirects(**steps)), "/1", names=Names(docs=here(9))) == BODY
    desk.target.unlink()
    host = Host(redirects(**steps))
    with pytest.raises(UrlFetchFailed, match="redirects"):
        desk.get(host, "/0", names=Names(docs=here(9)))
    assert len(host.visits) == MAX_REDIRECTS + 1


def test_a_redirect_loop_ends(desk: Desk) -> None:
    with pytest.raises(UrlFetchFailed, match="redirects"):
        desk.get(Host(redirects(a="/b", b="/a")), "/a", names=Names(docs=here(9)))


# --- How much, how long


def test_a_length_over_the_limit_is_refused_before_any_byte_of_it(desk: Desk) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"
    with pytest.raises(UploadTooLarge, match="1000 bytes"):  # waiting for the body would end in UrlFetchFailed
        desk.get(Host(endless(head, b"", 0.01)), max_bytes=1000)


@pytest.mark.parametrize(
    ("head", "block"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 100),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"64\r\n" + b"x" * 100 + b"\r\n"),
    ],
)
def test_a_body_without_a_length_is_cut_at_the_limit(desk: Desk, head: bytes, block: bytes) -> None:
    with pytest.raises(UploadTooLarge):
        desk.get(Host(endless(head, block, 0.0)), max_bytes=10_000)


def test_a_gzip_bomb_is_cut_at_the_limit(desk: Desk) -> None:
    bomb = gzip.compress(bytes(100_000_000))
    assert len(bomb) < 1_000_000  # so that not its length but what it unpacks to is over the limit
    with pytest.raises(UploadTooLarge):
        desk.get(Host(reply(bomb, Content_Encoding="gzip")), max_bytes=1_000_000)


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip, deflate", "br", "zstd", "unknown"])
def test_layers_of_compression_and_unknown_ones_are_refused(desk: Desk, coding: str) -> None:
    with pytest.raises(UrlFetchFailed, match="compression"):
        desk.get(Host(reply(gzip.compress(gzip.compress(BODY)), Content_Encoding=coding)))


@pytest.mark.parametrize(
    ("head", "block"),
    [
        (b"", b""),  # connects, says nothing
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),  # headers without end
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    ],
)
def test_a_host_that_drips_meets_the_time_limit(desk: Desk, head: bytes, block: bytes) -> None:
    with pytest.raises(UrlFetchFailed, match=r"0\.4 s"):
        desk.get(Host(endless(head, block, 0.01)), timeout_s=0.4)


def test_a_resolver_that_never_answers_meets_the_time_limit(desk: Desk) -> None:
    class Silent(Names):
        async def __call__(self, host: str) -> list[str]:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(UrlFetchFailed, match=r"0\.2 s"):
        desk.get(Host(reply()), names=Silent(), timeout_s=0.2)


def test_a_caller_that_gives_up_leaves_no_file(desk: Desk) -> None:
    host = Host(endless(b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 1000, 0.001))

    async def run() -> None:
        async with host:
            task = asyncio.create_task(
                fetch(
                    f"http://127.0.0.1:{host.port}/",
                    desk.target,
                    max_bytes=10**9,
                    timeout_s=20.0,
                    allowed=allowed,
                )
            )
            while not desk.target.exists():  # noqa: ASYNC110 - a file that appears sets no event
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert not desk.target.exists()


# --- What is not a document


@pytest.mark.parametrize(
    "status", ["201 Created", "204 No Content", "206 Partial Content", "304 Not Modified", "403 No", "404 No", "500 No"]
)
def test_any_other_status_fails_without_the_hosts_own_words(desk: Desk, status: str) -> None:
    with pytest.raises(UrlFetchFailed, match=status[:3]) as failed:
        desk.get(Host(reply(b"" if status[:3] in ("204", "304") else b"inner secret", status)))
    assert "secret" not in failed.value.detail


def test_a_redirect_without_a_location_fails(desk: Desk) -> None:
    with pytest.raises(UrlFetchFailed, match="302"):
        desk.get(Host(reply(b"", "302 Found")))


@pytest.mark.parametrize(
    "answer",
    [
        reply(BODY, length=1000),
        reply(b"not gzip at all", Content_Encoding="gzip"),
        endless(b"SSH-2.0-OpenSSH_9.0\r\n\r\n", b"", 1.0),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: one\r\n\r\n", b"", 1.0),
        endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 10_000 + b"\r\n", 0.0),
    ],
    ids=["cut short", "not gzip", "not HTTP", "odd length", "headers too long"],
)
def test_a_broken_reply_fails_and_leaves_no_file(desk: Desk, answer: Answer) -> None:
    with pytest.raises(UrlFetchFailed, match="broke off"):
        desk.get(Host(answer))


def test_an_unknown_name_and_a_closed_port_fail(desk: Desk) -> None:
    with pytest.raises(UrlFetchFailed, match="not found"):
        desk.get(Host(reply()), name="unknown.test")
    with pytest.raises(UrlFetchFailed, match="No connection"):
        desk.get(Host(reply()), names=Names(docs=[[DEAD]]))


def test_a_file_that_is_there_already_is_left_alone(desk: Desk) -> None:
    desk.target.write_bytes(b"somebody else's")
    with pytest.raises(FileExistsError):
        desk.get(Host(reply()))
    assert desk.target.read_bytes() == b"somebody else's"


# --- TLS


def test_over_tls_the_name_is_asked_for_and_checked(
    desk: Desk, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    host = Host(reply(), tls_of(certificate))
    assert desk.get(host, scheme="https") == BODY
    assert host.server_names == ["docs.test"]
    assert host.visits[0].headers["host"] == f"docs.test:{host.port}"


def test_a_certificate_for_another_name_or_from_nobody_fails(
    desk: Desk, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UrlFetchFailed, match="certificate"):
        desk.get(Host(reply(), tls_of(certificate)), scheme="https")
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    host = Host(reply(), tls_of(certificate))
    with pytest.raises(UrlFetchFailed, match="certificate"):
        desk.get(host, scheme="https", name="other.test", names=Names(other=here()))
    assert host.server_names == ["other.test"]
    assert host.visits == []
