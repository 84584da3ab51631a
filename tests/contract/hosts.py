"""Hosts that the server connects to, on loopback, and names for them: what stands for the public Internet in a test.

Names are resolved by a table of the test's own, under `.test`, a domain that never exists (RFC 6761): a second look-up by
anyone else could not succeed.
"""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from server.addresses import is_public

DEAD = "127.0.0.3"  # the hosts here listen on 127.0.0.1 alone
BODY = b"%PDF-1.7 a document"
Answer = Callable[["Visit"], AsyncIterator[bytes]]


@dataclass
class Visit:
    """One request as the host saw it."""

    target: str
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""


@dataclass
class Host:
    """A host on 127.0.0.1 that answers every request with the bytes of `answer`, then closes."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    visits: list[Visit] = field(default_factory=list)
    server_names: list[str | None] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> "Host":
        if self.tls:
            self.tls.sni_callback = lambda _socket, name, _context: self.server_names.append(name)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self._open: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            headers = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            method, target, _ = first.split(" ")
            visit = Visit(target, headers, method, body)
            self.visits.append(visit)
            async for block in self.answer(visit):
                writer.write(block)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class Names:
    """A resolver: each look-up of a name takes the next of its answers."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {f"{name}.test": found for name, found in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        if not self.answers.get(host):
            raise OSError(-2, "Name or service not known")
        return self.answers[host].pop(0)


def here(times: int = 1) -> list[list[str]]:
    return [["127.0.0.1"] for _ in range(times)]


def allowed(address: IPv4Address | IPv6Address) -> bool:
    """This host stands for the public Internet; whatever else is not public stays refused, 127.0.0.2 among it."""
    return is_public(address) or str(address) in ("127.0.0.1", DEAD)


def reply(body: bytes = BODY, status: str = "200 OK", length: int | None = None, **headers: str) -> Answer:
    """One complete reply; `length` None means the body's own."""

    async def answer(_: Visit) -> AsyncIterator[bytes]:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        yield "\r\n".join([*lines, "", ""]).encode("utf-8")
        yield body

    return answer


def endless(head: bytes, block: bytes, pause_s: float) -> Answer:
    async def answer(_: Visit) -> AsyncIterator[bytes]:
        yield head
        while True:
            yield block
            await asyncio.sleep(pause_s)

    return answer


def self_signed(folder: Path) -> Path:
    """Makes a self-signed certificate for docs.test in `folder`: with its key in one file, alone in FILE.crt."""
    pem = folder / "docs.pem"
    subject = ["-subj", "/CN=docs.test", "-addext", "subjectAltName=DNS:docs.test", "-days", "2"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject]
    subprocess.run([*command, "-keyout", str(pem), "-out", f"{pem}.crt"], check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + Path(f"{pem}.crt").read_bytes())
    return pem


def tls_of(certificate: Path) -> ssl.SSLContext:
    """What a host with that certificate serves by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
