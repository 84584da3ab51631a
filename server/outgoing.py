"""Requests to addresses that callers name, safe against server-side request forgery.

A caller may name any address, so none is trusted: the name is resolved here, every address behind it has to be on the
public Internet, and the connection goes to one of those very addresses, so that a second, different DNS answer
(rebinding) is never asked for. The certificate and the `Host` header are still those of the name. `httpx2`'s transport
is used without its client: no cookies, no proxies or passwords from the environment, no redirects of its own, and no
log line with the address (signed URLs are secrets).
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address

import httpx2

from server.addresses import Purpose, host_of, is_public
from server.errors import UrlNotAllowed
from server.hosts import Address, literal

MAX_ADDRESSES_TRIED = 3
CONNECT_TIMEOUT_S = 5.0  # per address, for TCP and for TLS: one dead address must not use up the whole time
BROKEN_OFF = (httpx2.HTTPError, ssl.SSLError)
"""What is raised by a connection that was there: reset, cut short, not HTTP."""

Resolve = Callable[[str], Awaitable[Sequence[str]]]
Allowed = Callable[[Address], bool]


class NoConnectionError(Exception):
    """Nobody could be asked. The text is public: it names the field with the address, not the address."""


async def resolve_name(host: str) -> Sequence[str]:
    """The addresses behind a name, as the operating system finds them; raises `OSError` where it finds none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Sends requests for one purpose; the last two are the seam for tests."""

    purpose: Purpose
    tls: ssl.SSLContext
    resolve: Resolve = resolve_name
    allowed: Allowed = is_public

    @classmethod
    async def make(cls, purpose: Purpose, resolve: Resolve, allowed: Allowed) -> "Outgoing":
        """With the system's certificate authorities, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`."""
        tls = await asyncio.to_thread(httpx2.create_ssl_context)  # reads some hundred certificates
        return cls(purpose, tls, resolve, allowed)

    @asynccontextmanager
    async def request(
        self, method: str, url: httpx2.URL, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> AsyncIterator[httpx2.Response]:
        """Sends one request to a `url` that `parse_url` has read; the answer's head is there, its body not yet.

        Raises `UrlNotAllowed`, `NoConnectionError`, and one of `BROKEN_OFF` as long as the answer is read. It sets no
        limit of its own to the time after connecting, nor to the answer's size.
        """
        sent = {
            "Host": url.netloc.decode(),
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": "offline-ocr",
            **(headers or {}),
        }
        extensions = {"sni_hostname": host_of(url), "timeout": {"connect": CONNECT_TIMEOUT_S}}
        requests = [
            httpx2.Request(
                method, url.copy_with(host=str(address)), headers=sent, content=content, extensions=extensions
            )
            for address in await self._checked_addresses(url)
        ]
        # A transport of its own: it keeps connections by address, and two names may share one address but not one
        # connection.
        async with httpx2.AsyncHTTPTransport(verify=self.tls, trust_env=False) as transport:
            response = await self._first_answer(transport, requests[:MAX_ADDRESSES_TRIED])
            try:
                yield response
            finally:
                await response.aclose()

    async def _checked_addresses(self, url: httpx2.URL) -> list[Address]:
        host = host_of(url)
        address = literal(host)
        try:
            addresses = [address] if address else [ip_address(text) for text in await self.resolve(host)]
        except OSError as error:
            raise NoConnectionError(
                f"The host name in {self.purpose.field} was not found; check its spelling."
            ) from error
        # One inside address among public ones is refused too: no honest public site has it. The text names no address.
        if not all(self.allowed(address) for address in addresses):
            raise UrlNotAllowed(f"{self.purpose.wherever} must be on the public Internet.{self.purpose.instead}")
        return addresses

    async def _first_answer(
        self, transport: httpx2.AsyncHTTPTransport, requests: Sequence[httpx2.Request]
    ) -> httpx2.Response:
        for request in requests:
            try:
                return await transport.handle_async_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):  # before anything was sent: no request arrives twice
                continue
        raise NoConnectionError(
            f"No connection to the host of {self.purpose.field}: it does not answer, or its certificate is not valid."
        )
