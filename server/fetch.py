"""Documents by URL, safe against server-side request forgery.

A caller may name any address, so none is trusted: the name is resolved here, every address behind it has to be on the
public Internet, and the connection goes to one of those very addresses, so that a second, different DNS answer
(rebinding) is never asked for. The certificate and the `Host` header are still those of the name. Redirects get the
same checks, one by one. `httpx2`'s transport is used without its client: no cookies, no proxies or passwords from the
environment, no redirects of its own, and no log line with the address (signed URLs are secrets).
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import BinaryIO

import httpx2

from server.addresses import INSTEAD, Address, host_of, is_public, literal, parse_url
from server.errors import UploadTooLarge, UrlFetchFailed, UrlNotAllowed

MAX_REDIRECTS = 5
MAX_ADDRESSES_TRIED = 3
CONNECT_TIMEOUT_S = 5.0  # per address, for TCP and for TLS: one dead address must not use up the whole time


async def resolve_name(host: str) -> Sequence[str]:
    """The addresses behind a name, as the operating system finds them; raises `OSError` where it finds none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


async def fetch(  # noqa: PLR0913 - the last two are the seam for tests
    url: str,
    target: Path,
    *,
    max_bytes: int,
    timeout_s: float,
    resolve: Callable[[str], Awaitable[Sequence[str]]] = resolve_name,
    allowed: Callable[[Address], bool] = is_public,
) -> None:
    """Saves the document at `url` as the new file `target`; after any failure there is no such file.

    `max_bytes` counts the document's bytes after decompression. `timeout_s`, in seconds, covers all of it: names,
    connections, redirects, the last byte. Raises `UrlNotAllowed` (address, scheme or spelling is refused, also in a
    redirect), `UrlFetchFailed` (not found, no connection, wrong certificate, too slow, status other than 200, more than
    `MAX_REDIRECTS` redirects), `UploadTooLarge`; `OSError` where `target` cannot be written or is there already.
    `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificate authorities than the system's.
    """
    try:
        async with asyncio.timeout(timeout_s):
            tls = await asyncio.to_thread(httpx2.create_ssl_context)  # reads some hundred certificates
            here = parse_url(url)
            for _ in range(MAX_REDIRECTS + 1):
                addresses = await _checked_addresses(here, resolve, allowed)
                async with _answer(here, addresses, tls) as response:
                    if not response.has_redirect_location:
                        await _save(response, target, max_bytes)
                        return
                    here = parse_url(response.headers["location"], base=here)
    except TimeoutError as error:
        raise UrlFetchFailed(f"The document at image_url did not arrive within {timeout_s:g} s. {INSTEAD}") from error
    except (httpx2.HTTPError, ssl.SSLError) as error:
        raise UrlFetchFailed(f"The connection to the host of image_url broke off. Try again. {INSTEAD}") from error
    raise UrlFetchFailed(f"image_url redirects more than {MAX_REDIRECTS} times; give the address it ends at.")


async def _checked_addresses(
    url: httpx2.URL, resolve: Callable[[str], Awaitable[Sequence[str]]], allowed: Callable[[Address], bool]
) -> list[Address]:
    host = host_of(url)
    address = literal(host)
    try:
        addresses = [address] if address else [ip_address(text) for text in await resolve(host)]
    except OSError as error:
        raise UrlFetchFailed(f"The host name in image_url was not found; check its spelling. {INSTEAD}") from error
    # One inside address among public ones is refused too: no honest public site has it. The text names no address.
    if not all(allowed(address) for address in addresses):
        raise UrlNotAllowed(f"image_url, and what it redirects to, must be on the public Internet. {INSTEAD}")
    return addresses


@asynccontextmanager
async def _answer(url: httpx2.URL, addresses: Sequence[Address], tls: ssl.SSLContext) -> AsyncIterator[httpx2.Response]:
    # A transport per hop: it keeps connections by address, and two names may share one address but not one connection.
    async with httpx2.AsyncHTTPTransport(verify=tls, trust_env=False) as transport:
        response = await _first_answer(transport, url, addresses)
        try:
            yield response
        finally:
            await response.aclose()


async def _first_answer(
    transport: httpx2.AsyncHTTPTransport, url: httpx2.URL, addresses: Sequence[Address]
) -> httpx2.Response:
    headers = {"Host": url.netloc.decode(), "Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "offline-ocr"}
    extensions = {"sni_hostname": host_of(url), "timeout": {"connect": CONNECT_TIMEOUT_S}}
    for address in addresses[:MAX_ADDRESSES_TRIED]:
        request = httpx2.Request("GET", url.copy_with(host=str(address)), headers=headers, extensions=extensions)
        try:
            return await transport.handle_async_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            continue
    raise UrlFetchFailed(
        f"No connection to the host of image_url: it does not answer, or its certificate is not valid. {INSTEAD}"
    )


async def _save(response: httpx2.Response, target: Path, max_bytes: int) -> None:
    if response.status_code != 200:
        raise UrlFetchFailed(
            f"The host of image_url answered with status {response.status_code}, not 200; "
            f"check that the address opens without a login. {INSTEAD}"
        )
    # Some stores send gzip unasked. Layers of it could keep the decoder busy without ever giving out a byte to count.
    if response.headers.get("content-encoding", "identity").lower() not in ("identity", "gzip", "deflate"):
        raise UrlFetchFailed(f"The host of image_url sends a compression that was not asked for. {INSTEAD}")
    too_large = UploadTooLarge(f"The document at image_url is larger than {max_bytes} bytes. Send a smaller one.")
    if int(response.headers.get("content-length", 0)) > max_bytes:
        raise too_large
    size = 0
    with _new_file(target) as out:
        async with aclosing(response.aiter_bytes()) as blocks:  # decompressed, 1 MiB at most each
            async for block in blocks:
                size += len(block)
                if size > max_bytes:
                    raise too_large
                await asyncio.to_thread(out.write, block)


@contextmanager
def _new_file(target: Path) -> Iterator[BinaryIO]:
    # Opened and removed here, not in a thread: a thread outlives its cancelled caller and could open after the removal.
    # The file is buffered, so that closing it waits for a write which is still under way.
    out = target.open("xb")
    try:
        with out:
            yield out
    except BaseException:
        target.unlink(missing_ok=True)
        raise
