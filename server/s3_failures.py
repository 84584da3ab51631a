"""What went wrong with S3, in one sentence that says what to do. Never more than codes of what the store itself said:
its messages may hold keys, signatures and addresses.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.s3_client import READ_TIMEOUT_S, authority_file
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Failure:
    """`reason` is public text. `retryable`: the same may work later without a change. `code`: S3's own, where it has one."""

    reason: str
    retryable: bool
    code: str = ""


class S3Error(Exception):
    """A failure that this server found itself."""

    def __init__(self, reason: str, *, retryable: bool) -> None:
        super().__init__(reason)
        self.failure = Failure(reason, retryable)


_BY_CODE = {
    "InvalidAccessKeyId": "S3 does not know this access key; check CLOUDRU_S3_ACCESS_KEY (at Cloud.ru tenant_id:key_id).",
    "SignatureDoesNotMatch": "S3 refuses the signature; check CLOUDRU_S3_SECRET_KEY and CLOUDRU_S3_ACCESS_KEY.",
    "AccessDenied": "S3 refuses access; give this access key the right to read and write objects in {bucket}.",
    "NoSuchBucket": "There is no bucket {bucket} at {endpoint}; create it, or check CLOUDRU_S3_BUCKET.",
    "NoSuchKey": "There is no such object in the bucket.",
    "RequestTimeTooSkewed": "This machine's clock is wrong: S3's differs by more than 15 minutes; set the clock.",
    "AuthorizationHeaderMalformed": "S3 refuses the region {region}; check CLOUDRU_S3_REGION.",
    "PermanentRedirect": "The bucket {bucket} is not at {endpoint}; check CLOUDRU_S3_ENDPOINT and CLOUDRU_S3_REGION.",
    "BadDigest": "What arrived at S3 was not what was sent; try again.",
    "QuotaExceeded": "The quota of the bucket {bucket} is used up; delete objects, or raise it.",
}
_SAME_AS = {
    "401": "AccessDenied",
    "403": "AccessDenied",
    "AllAccessDisabled": "AccessDenied",
    "AccountProblem": "AccessDenied",
    "404": "NoSuchKey",
    "301": "PermanentRedirect",
    "TemporaryRedirect": "PermanentRedirect",
    "IllegalLocationConstraintException": "PermanentRedirect",
    "InvalidDigest": "BadDigest",
    "XAmzContentSHA256Mismatch": "BadDigest",
}
_PASSING = {"BadDigest", "RequestTimeout"}


def explain(error: Exception, settings: Settings) -> Failure:
    """The failure behind an exception of boto3, of the operating system or of our own. Others are raised again."""
    from botocore import exceptions as boto  # noqa: PLC0415 whoever has such an exception has loaded botocore
    from botocore.parsers import ResponseParserError  # noqa: PLC0415
    from urllib3.exceptions import NameResolutionError  # noqa: PLC0415

    endpoint = settings.cloudru_s3_endpoint
    retryable = True
    match error:
        case S3Error():
            return error.failure
        case boto.ClientError():
            return _answered(error.response, settings)
        case boto.SSLError():
            return _untrusted(error, settings)
        case boto.EndpointConnectionError() if isinstance(error.kwargs.get("error"), NameResolutionError):
            reason = f"The host name of {endpoint} was not found; check it, and the network's DNS."
        case boto.EndpointConnectionError():
            why = _errno(error.kwargs.get("error"))
            reason = f"No connection to {endpoint}{why}; check the address and the network."
        case boto.ConnectTimeoutError():
            reason = f"No connection to {endpoint}: it does not answer; check the address and the network."
        case boto.ReadTimeoutError():
            reason = f"{endpoint} took the request and did not answer within {READ_TIMEOUT_S} s; try later."
        case boto.HTTPClientError() | boto.IncompleteReadError():
            reason = f"The connection to {endpoint} broke off; try again."
        case ResponseParserError():
            reason, retryable = f"What answers at {endpoint} is not S3; check CLOUDRU_S3_ENDPOINT.", False
        case boto.BotoCoreError():
            reason, retryable = f"S3 cannot be used with these settings ({type(error).__name__}).", False
        case _:
            raise error
    return Failure(reason, retryable)


def _answered(response: Mapping[str, Any], settings: Settings) -> Failure:
    code = str(response.get("Error", {}).get("Code", ""))
    metadata = response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    known = _SAME_AS.get(code, code)
    if text := _BY_CODE.get(known):
        text = text.format(
            bucket=settings.cloudru_s3_bucket,
            endpoint=settings.cloudru_s3_endpoint,
            region=settings.cloudru_s3_region,
        )
        return Failure(text, known in _PASSING, known)
    tries = int(metadata.get("RetryAttempts", 0)) + 1
    often = f" {tries} times" if tries > 1 else ""
    named = f" ({code[:60]})" if code.isalnum() and not code.isdigit() else ""
    passing = status >= 500 or status == 429 or code in _PASSING
    end = "try later." if passing else "check the settings of S3."
    return Failure(f"S3 answered{often} with status {status}{named}; {end}", passing, code)


def _untrusted(error: Exception, settings: Settings) -> Failure:
    if reason := unreadable_authorities():
        return Failure(reason, False)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        why = "its certificate is not trusted; name a file with its authority in SSL_CERT_FILE, or check the clock"
        return Failure(f"No TLS connection to {settings.cloudru_s3_endpoint}: {why}.", False)
    why = "it does not speak TLS, or broke off; check whether the address is https or http"
    return Failure(f"No TLS connection to {settings.cloudru_s3_endpoint}: {why}.", True)


def unreadable_authorities() -> str | None:
    """What is wrong with the file that SSL_CERT_FILE names, if anything."""
    file = authority_file()
    return None if file is None or os.access(file, os.R_OK) else f"SSL_CERT_FILE: {file} cannot be read."


def _errno(cause: object) -> str:
    """`: Connection refused`, where the operating system says so."""
    inner = cause.__cause__ if isinstance(cause, BaseException) else None
    return f": {inner.strerror}" if isinstance(inner, OSError) and inner.strerror else ""


def no_time(seconds: float) -> Failure:
    """Not everything was done within the time that it may take."""
    return Failure(f"S3 was not done within {seconds:.0f} s; try later.", True)
