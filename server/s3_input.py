"""Documents that lie in S3, as `s3://bucket/key`: from buckets that the operator allows, read with the server's own key."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from server.errors import (
    BucketNotAllowed,
    EmptyFile,
    OcrError,
    S3FetchFailed,
    S3Unavailable,
    UploadTooLarge,
    UrlNotAllowed,
)
from server.s3 import ObjectStore
from server.s3_failures import Failure, explain
from server.settings import Settings

SCHEME = "s3://"
_MAX_KEY_BYTES = 1024  # S3's own limit
_CHUNK = 1 << 20


def check(store: ObjectStore, url: str) -> None:
    """Raises S3Disabled, UrlNotAllowed, BucketNotAllowed: what is known of an address before it is asked."""
    store.require()
    _parse(url, store.settings)


def fetch_object(store: ObjectStore, url: str, target: Path, *, max_bytes: int) -> None:
    """Saves the document at `url` as the new file `target`; after a failure there is no such file. Runs in a thread.

    The key is taken as it stands, without percent codes. Takes REQUEST_TIMEOUT_S at most, and botocore's time-outs.
    Raises S3Disabled, UrlNotAllowed (not such an address), BucketNotAllowed, S3FetchFailed (no such object, no access),
    S3Unavailable, UploadTooLarge, EmptyFile; OSError where `target` cannot be written.
    """
    client = store.client()
    bucket, key = _parse(url, store.settings)
    end = time.monotonic() + store.settings.request_timeout_s
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
        # `with` alone would give the stream inside, which does not notice that the connection broke off
        with closing(answer["Body"]) as body:
            if answer.get("ContentLength", 0) > max_bytes:
                raise _too_large(max_bytes)
            _save(body.read, target, max_bytes, end)
    except OcrError:
        raise
    except Exception as error:
        raise _problem(explain(error, store.settings)) from error


def _parse(url: str, settings: Settings) -> tuple[str, str]:
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    if not bucket or not key or len(key.encode(errors="replace")) > _MAX_KEY_BYTES:
        raise UrlNotAllowed("An address in S3 reads s3://bucket/key, with a key of 1024 bytes at most.")
    if bucket not in settings.s3_input_buckets:
        raise BucketNotAllowed("This server reads no documents from that bucket (S3_INPUT_BUCKETS).")
    return bucket, key


def _problem(failure: Failure) -> S3FetchFailed | S3Unavailable:
    if failure.code in {"NoSuchKey", "NoSuchBucket"}:
        return S3FetchFailed("There is no such object: check the bucket and the key in image_url.")
    if failure.code == "AccessDenied":
        return S3FetchFailed("This server's key may not read that object, or there is none; give it the right to.")
    return S3Unavailable(failure.reason, retry_after=10 if failure.retryable else None)


def _save(read: Callable[[int], bytes], target: Path, max_bytes: int, end: float) -> None:
    size = 0
    out = target.open("xb")
    try:
        with out:
            while chunk := read(_CHUNK):
                size += len(chunk)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                if time.monotonic() > end:
                    raise S3Unavailable("The document did not arrive from S3 in time. Try again.", retry_after=10)
                out.write(chunk)
        if not size:
            raise EmptyFile("The object in S3 has no bytes.")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _too_large(max_bytes: int) -> UploadTooLarge:
    return UploadTooLarge(f"The document at image_url is larger than {max_bytes} bytes. Send a smaller one.")
