"""S3 as OpenStack Swift speaks it: signatures, links that end, digests and clocks are checked by a store of another make."""

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from server import errors
from server.s3 import ObjectStore
from server.s3_check import diagnose
from server.s3_input import fetch_object
from tests.contract.running import wait_for
from tests.contract.swift import ACCESS_KEY, BIN, SECRET_KEY, Swift
from tests.unit.fakes import settings_of

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not BIN.exists(), reason="make .venv-swift/.complete installs Swift"),
]

BUCKET = "results"
NAMES = {"markdown": "20261121_120000_Счёт 7_1a2b3c4d.md", "zip": "20261121_120000_Счёт 7_1a2b3c4d.zip"}
CONTENTS = {"markdown": "# Счёт\n".encode(), "zip": os.urandom(3_000_000)}


@pytest.fixture(scope="module")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    """Swift with the bucket."""
    with Swift(tmp_path_factory.mktemp("swift")) as running:
        client = side(running).client()

        def made() -> bool:
            try:
                client.create_bucket(Bucket=BUCKET)
            except (BotoCoreError, ClientError):
                running.logs()
                return False
            return True

        wait_for(made, "Swift makes a bucket", 100)
        yield running


def side(swift: Swift, **variables: str) -> ObjectStore:
    """This project's side of it."""
    return ObjectStore(
        settings_of(
            {
                "API_TOKENS": "a",
                "CLOUDRU_S3_ENDPOINT": swift.url,
                "CLOUDRU_S3_BUCKET": BUCKET,
                "CLOUDRU_S3_ACCESS_KEY": ACCESS_KEY,
                "CLOUDRU_S3_SECRET_KEY": SECRET_KEY,
                "S3_INPUT_BUCKETS": BUCKET,
                **variables,
            }
        )
    )


def _get(url: str) -> httpx2.Response:
    return httpx2.get(url, timeout=60, trust_env=False)


def test_what_is_uploaded_opens_by_its_links_until_they_end(swift: Swift) -> None:
    found = side(swift).upload("owner", NAMES, CONTENTS)
    assert (found.status, found.error) == ("uploaded", None)
    links = found.__pydantic_extra__
    assert links
    for kind, content in CONTENTS.items():
        assert (_get(links[kind]).status_code, _get(links[kind]).content) == (200, content)
    assert _get(links["zip"].replace("Expires=86400", "Expires=604800")).status_code == 403

    short = side(swift, S3_LINK_TTL_S="1").upload("owner", NAMES, CONTENTS).__pydantic_extra__
    assert short
    wait_for(lambda: _get(short["markdown"]).status_code == 403, "the link ends")


def test_documents_come_from_it(swift: Swift, tmp_path: Path) -> None:
    store = side(swift)
    key = store.upload("owner", NAMES, CONTENTS).keys["markdown"]

    fetch_object(store, f"s3://{BUCKET}/{key}", tmp_path / "a", max_bytes=1000)
    assert (tmp_path / "a").read_bytes() == CONTENTS["markdown"]
    with pytest.raises(errors.S3FetchFailed):
        fetch_object(store, f"s3://{BUCKET}/missing", tmp_path / "b", max_bytes=1000)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"CLOUDRU_S3_SECRET_KEY": "another"}, "check CLOUDRU_S3_SECRET_KEY"),
        ({"CLOUDRU_S3_ACCESS_KEY": "tenant:other"}, "CLOUDRU_S3_ACCESS_KEY"),
        ({"CLOUDRU_S3_BUCKET": "missing"}, "no bucket missing"),
        ({"CLOUDRU_S3_REGION": "us-east-1"}, "check CLOUDRU_S3_REGION"),
    ],
)
def test_a_wrong_setting_is_named(swift: Swift, variables: dict[str, str], words: str) -> None:
    found = side(swift, **variables).upload("owner", NAMES, CONTENTS)

    assert (found.status, found.retryable) == ("failed", False)
    assert words in (found.error or "")
    assert diagnose(side(swift, **variables)).failed_step == "bucket"


def test_every_step_of_the_check_passes_and_nothing_is_left(swift: Swift) -> None:
    check = diagnose(side(swift, CLOUDRU_S3_BUCKET=BUCKET))

    assert (check.status, len(check.steps)) == ("success", 8)

    def probes() -> list[str]:
        listed = side(swift).client().list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [each["Key"] for each in listed if "probe" in each.get("Key", "")]

    wait_for(lambda: not probes(), "no list has the probe any more")  # Swift's lists follow what is there


def test_a_body_that_does_not_fit_its_md5_is_refused(swift: Swift) -> None:
    wrong = base64.b64encode(hashlib.md5(b"b").digest()).decode()

    with pytest.raises(ClientError, match="BadDigest"):
        side(swift).client().put_object(Bucket=BUCKET, Key="a", Body=b"a", ContentMD5=wrong)
