"""The S3 client: made in the thread that first needs it, out of the settings and nothing else.

botocore would also look for keys, regions, proxies and addresses in the environment, in ~/.aws and at the metadata
address of a cloud's machine. In a container without network each such look costs seconds, or sends results elsewhere.
"""

import os
from typing import TYPE_CHECKING, Any

from server.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 20
ATTEMPTS = 3


def authority_file() -> str | None:
    """The file of certificate authorities that SSL_CERT_FILE names, as for documents by URL; None without one."""
    return os.environ.get("SSL_CERT_FILE") or None


def make(settings: Settings, attempts: int = ATTEMPTS) -> "S3Client":
    """A client, which threads may share, for settings that have all of S3. Imports boto3 (0.4 s, 25 MB); sends nothing.

    What may pass by itself (no connection, time-outs, 5xx, throttling) is tried `attempts` times in all, by botocore's
    standard retry mode.
    """
    import boto3  # noqa: PLC0415
    import botocore.session  # noqa: PLC0415
    from botocore import configprovider  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    session = botocore.session.Session()
    defaults = {name: each[2] for name, each in configprovider.BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    defaults |= {"config_file": os.devnull, "credentials_file": os.devnull}
    constants = {name: configprovider.ConstantProvider(value) for name, value in defaults.items()}
    session.register_component("config_store", configprovider.ConfigValueStore(constants))
    access_key, secret_key = settings.cloudru_s3_access_key, settings.cloudru_s3_secret_key
    assert access_key
    assert secret_key
    client = boto3.session.Session(botocore_session=session).client(
        "s3",
        endpoint_url=settings.cloudru_s3_endpoint,
        region_name=settings.cloudru_s3_region,
        aws_access_key_id=access_key.get_secret_value(),
        aws_secret_access_key=secret_key.get_secret_value(),
        verify=authority_file() or True,
        config=Config(
            signature_version="s3v4",
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": attempts},
            proxies={},
            # S3-compatible stores trip over the checksum trailers of newer SDKs; the body's SHA-256 is signed instead.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": settings.cloudru_s3_addressing, "payload_signing_enabled": True},
        ),
    )
    client.meta.events.register_first("needs-retry.s3", _stay)
    return client


def _stay(request_dict: dict[str, Any], **_: object) -> None:
    """Have botocore follow no redirect to another region: results belong where the settings say, and a store that
    answers everything with a redirect would be asked until the stack is full.
    """
    request_dict["context"].setdefault("s3_redirect", {})["redirected"] = True
