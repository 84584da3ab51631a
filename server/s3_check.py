"""Whether S3 works, step by step: a probe object is written, read back, fetched by its link and deleted."""

import secrets
import socket
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx2

from server import s3_client
from server.s3 import PREFIX, ObjectStore
from server.s3_failures import S3Error, explain, unreadable_authorities
from server.service_schemas import S3CheckReply, S3Step

_LINK_TTL_S = 300
_PROBE = b"offline-ocr: a probe object, to be deleted\n"


def diagnose(store: ObjectStore) -> S3CheckReply:
    """Go as far as it works. Stops at the first failure; a probe object that may be there is deleted all the same.

    Nothing is tried twice: a diagnosis shows what retries would hide. Runs in a thread. Raises S3Disabled.
    """
    store.require()
    check = _Check(ObjectStore(store.settings, attempts=1))
    steps: list[S3Step] = []
    for name, step in check.steps.items():
        if name != "delete" and any(not done.ok for done in steps):
            continue
        if name == "delete" and not check.written:
            continue
        steps.append(_run(name, step, store))
    failed = next((step.name for step in steps if not step.ok), None)
    return S3CheckReply(
        status="failed" if failed else "success",
        failed_step=failed,
        steps=steps,
        endpoint=check.endpoint,
        bucket=store.bucket,
    )


def _run(name: str, step: Callable[[], str], store: ObjectStore) -> S3Step:
    started = time.perf_counter()
    try:
        ok, detail = True, step()
    except Exception as error:  # noqa: BLE001 `explain` raises again what it does not know
        ok, detail = False, explain(error, store.settings).reason
    return S3Step.model_validate(
        {"name": name, "ok": ok, "seconds": round(time.perf_counter() - started, 3), "detail": detail}
    )


class _Check:
    """The steps; each returns what it found, or raises what `explain` knows."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        settings = store.settings
        self.endpoint = str(settings.cloudru_s3_endpoint)
        address = urlsplit(self.endpoint)
        virtual = settings.cloudru_s3_addressing == "virtual"
        self._host = f"{store.bucket}.{address.hostname}" if virtual else str(address.hostname)
        self._tls = address.scheme == "https"
        self._port = address.port or (443 if self._tls else 80)
        self._key = f"{PREFIX}/probe_{secrets.token_hex(8)}.txt"
        self.written = False
        """Whether the probe object may be there."""
        self.steps: dict[str, Callable[[], str]] = {
            "settings": self._settings,
            "name": self._name,
            "connection": self._connection,
            "bucket": self._bucket,
            "write": self._write,
            "read": self._read,
            "link": self._link,
            "delete": self._delete,
        }

    def _settings(self) -> str:
        settings = self._store.settings
        if self._tls and (reason := unreadable_authorities()):
            raise S3Error(reason, retryable=False)
        return f"region {settings.cloudru_s3_region}, addressing {settings.cloudru_s3_addressing}, all is set"

    def _name(self) -> str:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError:
            raise S3Error(
                f"The host name {self._host} was not found; check it, and the network's DNS.", retryable=True
            ) from None
        return f"{self._host} is {', '.join(dict.fromkeys(str(each[4][0]) for each in found))}"

    def _connection(self) -> str:
        where = f"{self._host}:{self._port}"
        try:
            with socket.create_connection((self._host, self._port), s3_client.CONNECT_TIMEOUT_S) as plain:
                if not self._tls:
                    return f"{where} answers, without TLS"
                context = ssl.create_default_context(cafile=s3_client.authority_file())
                with context.wrap_socket(plain, server_hostname=self._host) as secure:
                    return f"{where} answers, {secure.version()}, certificate trusted"
        except ssl.SSLCertVerificationError as error:
            raise S3Error(
                f"The certificate of {where} is not trusted ({error.verify_message}); name a file with its authority in "
                "SSL_CERT_FILE, or check the clock.",
                retryable=False,
            ) from None
        except OSError as error:
            why = error.strerror or "it does not answer"
            raise S3Error(
                f"No connection to {where}: {why}; check the address and the network.", retryable=True
            ) from None

    def _bucket(self) -> str:
        try:
            self._store.client().list_objects_v2(Bucket=self._store.bucket, Prefix=PREFIX, MaxKeys=1)
        except Exception as error:
            if explain(error, self._store.settings).code != "AccessDenied":
                raise
            return "the key may not list the bucket; that is not needed"
        return "the bucket is there"

    def _write(self) -> str:
        self.written = True
        self._store.write(self._key, _PROBE, "text/plain; charset=utf-8")
        return f"{len(_PROBE)} bytes at {self._key}"

    def _read(self) -> str:
        self._store.verify(self._key, _PROBE)
        return "the same bytes came back"

    def _link(self) -> str:
        # no client of httpx2's: it would take proxies from the environment, and log the link
        url = self._store.link(self._key, _LINK_TTL_S)
        timeout = {"connect": s3_client.CONNECT_TIMEOUT_S, "read": s3_client.READ_TIMEOUT_S}
        tls = ssl.create_default_context(cafile=s3_client.authority_file())
        try:
            with httpx2.HTTPTransport(verify=tls, trust_env=False) as transport:
                answer = transport.handle_request(httpx2.Request("GET", url, extensions={"timeout": timeout}))
                content = answer.read()
        except httpx2.HTTPError:
            raise S3Error("The connection broke off while the link was opened; try again.", retryable=True) from None
        if answer.status_code != 200:
            raise S3Error(
                f"The link answers with status {answer.status_code}; check CLOUDRU_S3_REGION and the bucket's policy.",
                retryable=False,
            )
        if content != _PROBE:
            raise S3Error("The link answers with something else than was written.", retryable=False)
        return "the presigned link gives the same bytes"

    def _delete(self) -> str:
        try:
            self._store.client().delete_object(Bucket=self._store.bucket, Key=self._key)
        except Exception as error:
            if explain(error, self._store.settings).code == "AccessDenied":
                raise S3Error(
                    f"The key may not delete objects; uploads need no more, but {self._key} stays.", retryable=False
                ) from None
            raise
        return "the probe object is gone"
