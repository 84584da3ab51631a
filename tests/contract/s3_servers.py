"""S3 to test against: moto's, behind a gate that checks what moto does not, and servers that break off or never answer.

The gate verifies each request as AWS Signature Version 4 says (headers and presigned links, worked out here and not with
botocore), its age, the SHA-256 of its body and its Content-MD5, and serves buckets in the path and in the host name.
"""

import base64
import hashlib
import hmac
import io
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

ACCESS_KEY = "7f1c2e9a-tenant:5b3d-key"
SECRET_KEY = "s3cr3t/of+the-contract=tests"
BUCKET = "ocr-results-bucket"
INPUTS = "scans"
ACCOUNT = "123456789012"
_SKEW = timedelta(minutes=15)

Fault = Callable[[Request], Response | None]


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:
        """Nothing."""


class Refused(Exception):
    """What the gate does not let through."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code

    def response(self) -> Response:
        body = f"<?xml version='1.0'?><Error><Code>{self.code}</Code><Message>the gate</Message></Error>"
        return Response(body, self.status, content_type="application/xml")


class S3Store:
    """The store; `fault` answers in its place when it wants to, `seen` are the requests."""

    def __init__(self, domain: str = "127.0.0.1", pem: Path | None = None) -> None:
        self.domain = domain
        self.fault: Fault = lambda _: None
        self.seen: list[str] = []
        self.hosts: set[str] = set()
        self._moto = DomainDispatcherApplication(create_backend_app)
        tls = (f"{pem}.crt", str(pem)) if pem else None
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True, request_handler=_Quiet, ssl_context=tls)
        self.port = self._server.server_port
        self.url = f"{'https' if pem else 'http'}://{domain}:{self.port}"
        self._backend: Any = get_backend("s3")[ACCOUNT]["aws"]

    def __enter__(self) -> Self:
        self._backend.reset()
        for bucket in (BUCKET, INPUTS, "not-allowed"):
            self._backend.create_bucket(bucket, "ru-central-1")
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self, **variables: str) -> dict[str, str]:
        """The variables of a server that uses this store."""
        return {
            "CLOUDRU_S3_ENDPOINT": self.url,
            "CLOUDRU_S3_BUCKET": BUCKET,
            "CLOUDRU_S3_ACCESS_KEY": ACCESS_KEY,
            "CLOUDRU_S3_SECRET_KEY": SECRET_KEY,
            **variables,
        }

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self._backend.put_object(bucket, key, content)

    def objects(self, bucket: str = BUCKET) -> dict[str, Any]:
        """What is stored: keys and moto's objects."""
        return {name: self._backend.get_object(bucket, name) for name in self._backend.get_bucket(bucket).keys}

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        raw_path = environ["REQUEST_URI"].partition("?")[0]
        self.hosts.add(request.host)
        body = request.get_data()
        self.seen.append(f"{request.method} {unquote(raw_path)}")
        if (answer := self.fault(request)) is not None:
            return answer(environ, start_response)
        try:
            verify(request, raw_path, body)
        except Refused as refused:
            return refused.response()(environ, start_response)
        bucket = request.host.partition(":")[0].removesuffix(self.domain).rstrip(".")
        path = f"/{bucket}{unquote(raw_path)}" if bucket else unquote(raw_path)
        behind = dict(environ) | {
            "PATH_INFO": path.encode().decode("latin-1"),
            "REQUEST_URI": quote(path),
            "RAW_URI": quote(path),
            "HTTP_HOST": f"127.0.0.1:{self.port}",
            "wsgi.input": io.BytesIO(body),
        }
        return self._moto(behind, start_response)


def verify(request: Request, raw_path: str, body: bytes) -> None:
    """Raises Refused as S3 does (AWS General Reference, Signature Version 4; S3's pages on presigned URLs)."""
    query = parse_qsl(request.query_string.decode(), keep_blank_values=True)
    asked = dict(query)
    presigned = "X-Amz-Signature" in asked
    if presigned:
        credential, names = asked["X-Amz-Credential"], asked["X-Amz-SignedHeaders"]
        signature, stamp, payload = asked["X-Amz-Signature"], asked["X-Amz-Date"], "UNSIGNED-PAYLOAD"
    else:
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        if scheme != "AWS4-HMAC-SHA256":
            raise Refused(403, "AccessDenied")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        credential, names, signature = fields["Credential"], fields["SignedHeaders"], fields["Signature"]
        stamp, payload = request.headers["X-Amz-Date"], request.headers["X-Amz-Content-SHA256"]
    access_key, day, region, service, _ = credential.split("/")
    if access_key != ACCESS_KEY:
        raise Refused(403, "InvalidAccessKeyId")
    if region != "ru-central-1":
        raise Refused(400, "AuthorizationHeaderMalformed")
    _check_time(stamp, day, int(asked["X-Amz-Expires"]) if presigned else None)
    canonical = "\n".join(
        [
            request.method,
            quote(unquote(raw_path), safe="/-_.~"),
            "&".join(sorted(f"{_quoted(n)}={_quoted(v)}" for n, v in query if n != "X-Amz-Signature")),
            *(f"{name}:{' '.join(request.headers[name].split())}" for name in names.split(";")),
            "",
            names,
            payload,
        ]
    )
    key = b"AWS4" + SECRET_KEY.encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    if hmac.digest(key, to_sign.encode(), "sha256").hex() != signature or "host" not in names.split(";"):
        raise Refused(403, "SignatureDoesNotMatch")
    if not presigned and payload != hashlib.sha256(body).hexdigest():
        raise Refused(400, "XAmzContentSHA256Mismatch")
    md5 = request.headers.get("Content-MD5")
    if request.method == "PUT" and md5 != base64.b64encode(hashlib.md5(body).digest()).decode():
        raise Refused(400, "BadDigest")


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _check_time(stamp: str, day: str, expires_s: int | None) -> None:
    signed = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    now = datetime.now(UTC)
    if day != stamp[:8]:
        raise Refused(403, "SignatureDoesNotMatch")
    if signed - now > _SKEW or (expires_s is None and now - signed > _SKEW):
        raise Refused(403, "RequestTimeTooSkewed")
    if expires_s is not None and now > signed + timedelta(seconds=expires_s):
        raise Refused(403, "AccessDenied")


class Raw:
    """A TCP server whose every connection is handled by `handle`; as a context manager it ends with the test."""

    def __init__(self, handle: Callable[[socket.socket], None]) -> None:
        self._handle = handle
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections = 0
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # ends `accept`, which closing would not
        self._accepting.join()
        for each in (self._listener, *self._open):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with suppress(OSError):
            self._handle(connection)


def reset(connection: socket.socket) -> None:
    """Take a part of the request, then break off with a TCP reset."""
    connection.recv(2000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
