"""Results to S3-compatible storage, verified. Every method blocks on the network, and is to be called in a thread."""

import hashlib
import threading
from base64 import b64encode
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from server import s3_client
from server.errors import S3Disabled
from server.results import KINDS
from server.s3_failures import Failure, S3Error, explain, no_time
from server.schemas import S3Files
from server.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "ocr-results"
_CHUNK = 1 << 20
_UPLOAD_LIMIT_S = 45.0  # for all files, and a second more for each of these bytes
_BYTES_A_SECOND = 1_000_000

log = structlog.get_logger("server.s3")


class ObjectStore:
    """The bucket that the settings name, or nothing where S3 is off."""

    def __init__(self, settings: Settings, attempts: int = s3_client.ATTEMPTS) -> None:
        self.settings = settings
        self._attempts = attempts
        self._lock = threading.Lock()
        self._made: S3Client | None = None
        if settings.s3_storage == "incomplete":
            log.warning("S3 is off: variables are missing", missing=settings.s3_missing)

    @property
    def enabled(self) -> bool:
        """Whether there is a bucket."""
        return self.settings.s3_storage == "enabled"

    def require(self) -> None:
        """Raises S3Disabled, which names the variables that are missing, where S3 is off."""
        if not self.enabled:
            raise S3Disabled(f"To switch S3 on, set {', '.join(self.settings.s3_missing)}, too.")

    def client(self) -> "S3Client":
        """The client that all threads share. Raises S3Disabled."""
        self.require()
        with self._lock:  # two threads would make two
            if self._made is None:
                self._made = s3_client.make(self.settings, self._attempts)
        return self._made

    def upload(self, owner: str, names: Mapping[str, str], contents: Mapping[str, bytes]) -> S3Files:
        """Write one result's files, by kind, under `ocr-results/{owner}/{name}`, and read each of them back.

        Never raises for what S3 does: a failure is in what comes back, and in the log. What is sent again under the same
        names replaces what was there. Returns within 45 s, and a second more for each MB, whatever S3 does.
        Raises S3Disabled.
        """
        self.require()
        keys = {kind: f"{PREFIX}/{owner}/{names[kind]}" for kind in contents}
        limit_s = _UPLOAD_LIMIT_S + sum(map(len, contents.values())) / _BYTES_A_SECOND
        links: dict[str, str] = {}
        failures: list[Exception] = []
        given_up = threading.Event()

        def send() -> None:
            try:
                for kind, content in contents.items():
                    if not given_up.is_set():
                        self.write(keys[kind], content, KINDS[kind][1])
                        self.verify(keys[kind], content)
                links.update({kind: self.link(key, self.settings.s3_link_ttl_s) for kind, key in keys.items()})
            except Exception as error:  # noqa: BLE001 the waiting thread says what it is
                failures.append(error)

        # A thread of its own, for which nobody has to wait: a store that sends a byte now and then would hold this one.
        thread = threading.Thread(target=send, name="s3-upload", daemon=True)
        thread.start()
        thread.join(limit_s)
        if thread.is_alive():
            given_up.set()
            return self._failed(no_time(limit_s))
        return self._failed(self._explained(failures[0])) if failures else self._uploaded(keys, links)

    def write(self, key: str, content: bytes, media_type: str) -> None:
        """One object. S3 itself holds its MD5, and the signature its SHA-256, against what arrives."""
        md5 = b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        self.client().put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=media_type, ContentMD5=md5)

    def verify(self, key: str, content: bytes) -> None:
        """Raises S3Error when the object read back has another size or SHA-256 than `content`."""
        digest, size = hashlib.sha256(), 0
        # `with` alone would give the stream inside, which does not notice that the connection broke off
        with closing(self.client().get_object(Bucket=self.bucket, Key=key)["Body"]) as body:
            while chunk := body.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
        if (size, digest.digest()) != (len(content), hashlib.sha256(content).digest()):
            raise S3Error(f"What S3 gave back is not what was written to {key}; try again.", retryable=True)

    def link(self, key: str, ttl_s: int) -> str:
        """A presigned address under which anybody can GET the object for `ttl_s` seconds."""
        return self.client().generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=ttl_s
        )

    @property
    def bucket(self) -> str:
        """The bucket of results; only where S3 is on."""
        assert self.settings.cloudru_s3_bucket
        return self.settings.cloudru_s3_bucket

    def _uploaded(self, keys: Mapping[str, str], links: Mapping[str, str]) -> S3Files:
        expires = datetime.now(UTC) + timedelta(seconds=self.settings.s3_link_ttl_s)
        return S3Files(
            status="uploaded",
            error=None,
            retryable=False,
            bucket=self.bucket,
            keys=dict(keys),
            expires=expires.isoformat(timespec="seconds"),
            **links,
        )

    def _failed(self, failure: Failure) -> S3Files:
        log.warning("upload to S3 failed", reason=failure.reason, retryable=failure.retryable)
        return S3Files(
            status="failed",
            error=failure.reason,
            retryable=failure.retryable,
            bucket=self.bucket,
            keys={},
            expires=None,
        )

    def _explained(self, error: Exception) -> Failure:
        try:
            return explain(error, self.settings)
        except Exception:  # our own mistake: the result is there all the same, and the caller is told
            log.exception("unexpected error")
            return Failure("The upload failed for a reason that this server's log tells.", False)
