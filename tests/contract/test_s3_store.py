"""S3 through boto3: uploads verified, documents fetched, and every fault named with what to do; no process of ours."""

import base64
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from werkzeug.wrappers import Request, Response

from server import errors, s3, s3_client, s3_failures
from server.s3 import ObjectStore
from server.s3_check import diagnose
from server.s3_input import fetch_object
from server.schemas import S3Files
from tests.contract import s3_servers
from tests.contract.running import ROOT, held_port, wait_for
from tests.contract.s3_servers import ACCESS_KEY, BUCKET, INPUTS, SECRET_KEY, Raw, Refused, S3Store
from tests.unit.fakes import settings_of

pytestmark = pytest.mark.contract

STEM = "20261121_120000_Счёт_7_1a2b3c4d"
NAMES = {"markdown": f"{STEM}.md", "json": f"{STEM}.json", "zip": f"{STEM}.zip"}
CONTENTS = {"markdown": "# Счёт\n".encode(), "json": b"{}", "zip": os.urandom(3_000_000)}


@pytest.fixture
def store() -> Iterator[S3Store]:
    """A sound store with its buckets."""
    with S3Store() as running:
        yield running


def objects(store: S3Store, **variables: str) -> ObjectStore:
    """This project's side of it."""
    return objects_of(store.environment(**variables))


def objects_of(variables: dict[str, str]) -> ObjectStore:
    return ObjectStore(settings_of({"API_TOKENS": "a", **variables}))


def upload(side: ObjectStore) -> S3Files:
    """A small result."""
    return side.upload("0123456789abcdef", NAMES, {"markdown": CONTENTS["markdown"]})


def link(files: S3Files, kind: str) -> str:
    assert files.__pydantic_extra__
    return files.__pydantic_extra__[kind]


def get(url: str) -> httpx2.Response:
    """What a link gives."""
    return httpx2.get(url, timeout=60, trust_env=False)


def is_get(request: Request) -> bool:
    """An object is read back, with a signed header."""
    return request.method == "GET" and "list-type" not in request.args and "X-Amz-Signature" not in request.args


# --- uploads


def test_what_is_uploaded_is_there_and_its_links_open(store: S3Store) -> None:
    found = objects(store).upload("0123456789abcdef", NAMES, CONTENTS)

    assert (found.status, found.error, found.retryable, found.bucket) == ("uploaded", None, False, BUCKET)
    assert found.keys == {kind: f"ocr-results/0123456789abcdef/{name}" for kind, name in NAMES.items()}
    kept = store.objects()
    assert set(kept) == set(found.keys.values())
    for kind, content in CONTENTS.items():
        answer = get(link(found, kind))
        assert (answer.status_code, answer.content) == (200, content)
        assert kept[found.keys[kind]].value == content
    types = {kind: get(link(found, kind)).headers["content-type"] for kind in CONTENTS}
    assert types == {
        "markdown": "text/markdown; charset=utf-8",
        "json": "application/json",
        "zip": "application/zip",
    }
    assert SECRET_KEY not in found.model_dump_json()


def test_a_link_that_was_changed_opens_nothing(store: S3Store) -> None:
    url = link(upload(objects(store)), "markdown")

    for other in (url.replace("Expires=86400", "Expires=604800"), url.replace("_7_1a2b", "_8_1a2b"), url[:-1]):
        assert get(other).status_code == 403


def test_a_link_ends(store: S3Store) -> None:
    url = link(upload(objects(store, S3_LINK_TTL_S="1")), "markdown")

    wait_for(lambda: get(url).status_code == 403, "the link ends")


def test_what_is_sent_again_replaces_what_was_there(store: S3Store) -> None:
    side = objects(store)
    assert upload(side).keys == upload(side).keys
    assert len(store.objects()) == 1


def test_several_threads_share_one_client(store: S3Store) -> None:
    side = objects(store)
    assert side.client() is side.client()


def test_a_busy_store_is_asked_again(store: S3Store) -> None:
    left = [503, 503]
    store.fault = lambda _: Response("busy", left.pop()) if left else None

    assert upload(objects(store)).status == "uploaded"
    assert [each.partition(" ")[0] for each in store.seen] == ["PUT", "PUT", "PUT", "GET"]


# --- faults


def failed(side: ObjectStore) -> S3Files:
    """The upload's failure, which gives nothing away."""
    found = upload(side)
    assert (found.status, found.keys, found.expires, found.__pydantic_extra__) == ("failed", {}, None, {})
    assert found.error
    assert found.error.endswith(".")
    assert SECRET_KEY not in found.model_dump_json()
    return found


def said(side: ObjectStore) -> tuple[str, bool]:
    found = failed(side)
    return found.error or "", found.retryable


def refuse(code: str, status: int = 403) -> Callable[[Request], Response]:
    return lambda _: Refused(status, code).response()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"CLOUDRU_S3_SECRET_KEY": "another-" + SECRET_KEY}, "check CLOUDRU_S3_SECRET_KEY"),
        ({"CLOUDRU_S3_ACCESS_KEY": "tenant:other"}, "check CLOUDRU_S3_ACCESS_KEY"),
        ({"CLOUDRU_S3_BUCKET": "missing-bucket"}, "no bucket missing-bucket"),
        ({"CLOUDRU_S3_REGION": "us-east-1"}, "check CLOUDRU_S3_REGION"),
    ],
)
def test_a_wrong_setting_is_named(store: S3Store, variables: dict[str, str], words: str) -> None:
    reason, retryable = said(objects(store, **variables))

    assert words in reason
    assert not retryable


@pytest.mark.parametrize(
    ("code", "status", "words", "retryable"),
    [
        ("RequestTimeTooSkewed", 403, "set the clock", False),
        ("AccessDenied", 403, "the right to read and write", False),
        ("QuotaExceeded", 403, "quota", False),
        ("BadDigest", 400, "try again", True),
        ("ServiceUnavailable", 503, "answered 3 times with status 503 (ServiceUnavailable); try later", True),
        ("SlowDown", 503, "answered 3 times with status 503", True),
        ("InternalError", 500, "answered 3 times with status 500", True),
        ("EntityTooLarge", 400, "answered with status 400 (EntityTooLarge)", False),
        ("PermanentRedirect", 301, "check CLOUDRU_S3_ENDPOINT", False),
    ],
)
def test_what_the_store_says_is_said(store: S3Store, code: str, status: int, words: str, retryable: bool) -> None:
    store.fault = refuse(code, status)
    reason, again = said(objects(store))

    assert words in reason
    assert again is retryable
    assert len(store.seen) <= s3_client.ATTEMPTS
    assert "the gate" not in reason


def test_what_is_read_back_differs(store: S3Store) -> None:
    for content in (b"# something else", CONTENTS["markdown"][:-1], CONTENTS["markdown"] + b"\n", b""):
        store.fault = lambda request, content=content: Response(content) if is_get(request) else None
        reason, retryable = said(objects(store))
        assert "gave back is not what was written" in reason
        assert retryable


def test_what_is_read_back_breaks_off(store: S3Store) -> None:
    whole = {"Content-Length": "100"}
    store.fault = lambda request: Response(iter([b"# half"]), headers=whole) if is_get(request) else None

    assert said(objects(store)) == (f"The connection to {store.url} broke off; try again.", True)


def test_nothing_listens() -> None:
    with held_port() as port:
        url = f"http://127.0.0.1:{port}"
        expected = f"No connection to {url}: Connection refused; check the address and the network."

        assert said(objects_of({**_environment(url)})) == (expected, True)


def _environment(url: str) -> dict[str, str]:
    return {
        "CLOUDRU_S3_ENDPOINT": url,
        "CLOUDRU_S3_BUCKET": BUCKET,
        "CLOUDRU_S3_ACCESS_KEY": ACCESS_KEY,
        "CLOUDRU_S3_SECRET_KEY": SECRET_KEY,
    }


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """A host that no name server knows; a real one is not asked: it may be far away, or know every name."""
    host, look_up = "s3.nowhere.invalid", socket.getaddrinfo

    def looked_up(name: Any, *arguments: Any, **more: Any) -> Any:
        if name == host:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(name, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    return host


def test_no_such_host(nowhere: str) -> None:
    reason, retryable = said(objects_of(_environment(f"http://{nowhere}")))

    assert f"{nowhere} was not found" in reason
    assert retryable


def test_a_reset_in_the_middle_of_an_upload() -> None:
    with Raw(s3_servers.reset) as broken:
        found = objects_of(_environment(broken.url)).upload("owner", NAMES, {"zip": CONTENTS["zip"]})
        assert (found.error, found.retryable) == (f"The connection to {broken.url} broke off; try again.", True)
        assert broken.connections == s3_client.ATTEMPTS


def test_a_store_that_takes_a_connection_and_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_client, "READ_TIMEOUT_S", 0.3)
    monkeypatch.setattr(s3_failures, "READ_TIMEOUT_S", 0.3)
    with Raw(lambda _: None) as silent:
        reason, retryable = said(objects_of(_environment(silent.url)))
        assert "took the request and did not answer" in reason
        assert retryable
        wait_for(lambda: silent.connections >= s3_client.ATTEMPTS, "the last connection is taken")
        assert silent.connections == s3_client.ATTEMPTS


def _drip(connection: socket.socket) -> None:
    connection.recv(2000)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: 1\r\n")
        time.sleep(0.1)


def test_a_store_that_never_comes_to_an_end_does_not_hold_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_UPLOAD_LIMIT_S", 1.0)
    with Raw(_drip) as slow:
        assert said(objects_of(_environment(slow.url))) == ("S3 was not done within 1 s; try later.", True)


def test_something_else_answers(store: S3Store) -> None:
    store.fault = lambda _: Response("<html>Welcome</html>", 404, content_type="text/html")

    reason, retryable = said(objects(store))
    assert "check" in reason
    assert not retryable


# --- TLS


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key; its certificate, for localhost and signed by itself, lies beside it with the suffix .crt."""
    path = tmp_path_factory.mktemp("tls") / "s3.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject]
    subprocess.run([*command, "-keyout", str(path), "-out", f"{path}.crt"], check=True, capture_output=True)
    return path


@pytest.fixture
def secure(pem: Path) -> Iterator[S3Store]:
    """A store behind TLS, with a certificate that nobody knows."""
    with S3Store("localhost", pem) as running:
        yield running


def test_a_certificate_that_is_not_trusted(secure: S3Store) -> None:
    reason, retryable = said(objects(secure))

    assert "certificate is not trusted; name a file with its authority in SSL_CERT_FILE" in reason
    assert not retryable
    check = diagnose(objects(secure))
    assert (check.failed_step, [step.name for step in check.steps]) == (
        "connection",
        ["settings", "name", "connection"],
    )
    assert "SSL_CERT_FILE" in check.steps[-1].detail
    assert secure.seen == []


def test_an_authority_of_ones_own(secure: S3Store, pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{pem}.crt")

    assert upload(objects(secure)).status == "uploaded"
    check = diagnose(objects(secure))
    assert check.status == "success"
    assert "TLSv1.3, certificate trusted" in check.steps[2].detail


def test_a_file_of_authorities_that_is_not_there(secure: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.crt")

    assert said(objects(secure)) == ("SSL_CERT_FILE: /nowhere.crt cannot be read.", False)
    [step] = diagnose(objects(secure)).steps
    assert step.detail == "SSL_CERT_FILE: /nowhere.crt cannot be read."


def test_tls_where_there_is_none(store: S3Store) -> None:
    url = store.url.replace("http:", "https:")
    reason, _ = said(objects_of(_environment(url)))

    assert f"No TLS connection to {url}" in reason


# --- nothing but the settings

_UPLOAD = """
import sys
from server import settings
from server.s3 import ObjectStore
found = ObjectStore(settings.read()).upload("owner", {"json": "a.json"}, {"json": b"{}"})
print(found.status, found.error)
"""


def test_no_profile_no_proxy_and_no_metadata_service_is_asked(store: S3Store, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).write_text("[default]\nnonsense")
    with Raw(lambda connection: None) as trap:
        nasty = {
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), trap.url),
            **dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_EC2_METADATA_SERVICE_ENDPOINT"), trap.url),
            **dict.fromkeys(("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"), "nonsense"),
            **dict.fromkeys(("AWS_CA_BUNDLE", "AWS_WEB_IDENTITY_TOKEN_FILE", "REQUESTS_CA_BUNDLE"), "/nonsense"),
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": trap.url,
            "AWS_DEFAULTS_MODE": "auto",
            "AWS_USE_FIPS_ENDPOINT": "true",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_supported",
            "AWS_CSM_ENABLED": "true",
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "API_TOKENS": "a",
        }
        done = subprocess.run(
            [sys.executable, "-c", _UPLOAD],
            cwd=ROOT,
            env={**nasty, **store.environment()},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout, done.returncode) == ("uploaded None\n", 0), done.stderr
        assert trap.connections == 0


# --- documents from S3


def fetched(side: ObjectStore, url: str, target: Path, max_bytes: int = 1000) -> bytes:
    fetch_object(side, url, target, max_bytes=max_bytes)
    return target.read_bytes()


@pytest.mark.parametrize("key", ["a.pdf", "2026/11/Счёт 7 (b+c)%20.pdf", "a//b?x=1#y.png", "../../etc/passwd"])
def test_a_document_is_fetched_by_its_key(store: S3Store, tmp_path: Path, key: str) -> None:
    store.put(INPUTS, key, b"%PDF-")
    side = objects(store, S3_INPUT_BUCKETS=f"other,{INPUTS}")

    assert fetched(side, f"s3://{INPUTS}/{key}", tmp_path / "document") == b"%PDF-"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (f"s3://{INPUTS}/missing.pdf", errors.S3FetchFailed),
        ("s3://not-made/a.pdf", errors.S3FetchFailed),
        ("s3://not-allowed/a.pdf", errors.BucketNotAllowed),
        (f"s3://{BUCKET}/a.pdf", errors.BucketNotAllowed),
        (f"s3://{INPUTS}", errors.UrlNotAllowed),
        (f"s3://{INPUTS}/", errors.UrlNotAllowed),
        ("s3:///a.pdf", errors.UrlNotAllowed),
        (f"s3://{INPUTS}/" + "x" * 1025, errors.UrlNotAllowed),
        (f"s3://{INPUTS}/large.pdf", errors.UploadTooLarge),
        (f"s3://{INPUTS}/empty.pdf", errors.EmptyFile),
    ],
)
def test_what_cannot_be_fetched(store: S3Store, tmp_path: Path, url: str, error: type[errors.OcrError]) -> None:
    store.put("not-allowed", "a.pdf", b"secret")
    store.put(INPUTS, "large.pdf", bytes(1001))
    store.put(INPUTS, "empty.pdf", b"")
    side = objects(store, S3_INPUT_BUCKETS=f"{INPUTS},not-made")

    with pytest.raises(error):
        fetched(side, url, tmp_path / "document")
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_is_larger_than_it_says_it_is(store: S3Store, tmp_path: Path) -> None:
    store.fault = lambda _: Response((bytes(500) for _ in range(10)), headers={"Connection": "close"})

    with pytest.raises(errors.UploadTooLarge):
        fetched(objects(store, S3_INPUT_BUCKETS=INPUTS), f"s3://{INPUTS}/a.pdf", tmp_path / "document")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "status", "error", "retry_after"),
    [
        ("AccessDenied", 403, errors.S3FetchFailed, None),
        ("SignatureDoesNotMatch", 403, errors.S3Unavailable, None),
        ("SlowDown", 503, errors.S3Unavailable, 10),
    ],
)
def test_a_store_that_refuses_documents(
    store: S3Store, tmp_path: Path, code: str, status: int, error: type[errors.OcrError], retry_after: int | None
) -> None:
    store.fault = refuse(code, status)

    with pytest.raises(error) as refused:
        fetched(objects(store, S3_INPUT_BUCKETS=INPUTS), f"s3://{INPUTS}/a.pdf", tmp_path / "document")
    assert refused.value.retry_after == retry_after
    assert SECRET_KEY not in refused.value.detail


def test_a_document_that_breaks_off_leaves_no_half(store: S3Store, tmp_path: Path) -> None:
    store.fault = lambda _: Response(iter([b"%PDF"]), headers={"Content-Length": "100"})

    with pytest.raises(errors.S3Unavailable, match="broke off"):
        fetched(objects(store, S3_INPUT_BUCKETS=INPUTS), f"s3://{INPUTS}/a.pdf", tmp_path / "document")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_document_is_no_fault_of_s3(store: S3Store, tmp_path: Path) -> None:
    store.put(INPUTS, "a.pdf", b"%PDF-")

    with pytest.raises(FileNotFoundError):
        fetched(objects(store, S3_INPUT_BUCKETS=INPUTS), f"s3://{INPUTS}/a.pdf", tmp_path / "gone" / "document")


def test_without_s3_everything_says_which_variables_are_missing(tmp_path: Path) -> None:
    side = objects_of({"CLOUDRU_S3_ENDPOINT": "http://127.0.0.1:1", "CLOUDRU_S3_BUCKET": BUCKET})

    for call in (
        lambda: upload(side),
        lambda: diagnose(side),
        lambda: fetched(side, f"s3://{INPUTS}/a.pdf", tmp_path / "document"),
    ):
        with pytest.raises(errors.S3Disabled, match="set CLOUDRU_S3_ACCESS_KEY, CLOUDRU_S3_SECRET_KEY, too"):
            call()


# --- the check

ALL = ["settings", "name", "connection", "bucket", "write", "read", "link", "delete"]


def test_a_sound_store_passes_every_step(store: S3Store) -> None:
    found = diagnose(objects(store))

    assert (found.status, found.failed_step, found.endpoint, found.bucket) == ("success", None, store.url, BUCKET)
    assert [step.name for step in found.steps] == ALL
    assert all(step.ok and step.detail and step.seconds >= 0 for step in found.steps)
    assert store.objects() == {}


def _only(method: str, argument: str = "") -> Callable[[Request], Response | None]:
    denied = refuse("AccessDenied")
    return lambda request: denied(request) if request.method == method and argument in request.url else None


@pytest.mark.parametrize(
    ("fault", "failed_step", "steps", "left"),
    [
        (_only("GET", "list-type"), None, ALL, 0),
        (_only("PUT"), "write", [*ALL[:5], "delete"], 0),
        (lambda request: Response(b"?") if is_get(request) else None, "read", [*ALL[:6], "delete"], 0),
        (_only("GET", "X-Amz-Signature"), "link", ALL, 0),
        (lambda request: Response(b"?") if "X-Amz-Signature" in request.url else None, "link", ALL, 0),
        (_only("DELETE"), "delete", ALL, 1),
        (refuse("InvalidAccessKeyId"), "bucket", ALL[:4], 0),
        (refuse("SlowDown", 503), "bucket", ALL[:4], 0),
    ],
)
def test_the_check_stops_where_it_fails_and_leaves_nothing(
    store: S3Store, fault: s3_servers.Fault, failed_step: str | None, steps: list[str], left: int
) -> None:
    store.fault = fault
    found = diagnose(objects(store))

    assert found.failed_step == failed_step
    assert [step.name for step in found.steps] == steps
    assert [step.name for step in found.steps if not step.ok] == ([failed_step] if failed_step else [])
    assert len(store.objects()) == left
    assert SECRET_KEY not in found.model_dump_json()


def test_the_check_tries_nothing_twice(store: S3Store) -> None:
    store.fault = refuse("SlowDown", 503)
    diagnose(objects(store))

    assert len(store.seen) == 1


def test_the_check_names_a_missing_bucket_a_dead_port_and_an_unknown_host(store: S3Store, nowhere: str) -> None:
    missing = diagnose(objects(store, CLOUDRU_S3_BUCKET="missing-bucket"))
    assert (missing.failed_step, missing.bucket) == ("bucket", "missing-bucket")
    assert "create it" in missing.steps[-1].detail
    with held_port() as port:
        dead = diagnose(objects_of(_environment(f"http://127.0.0.1:{port}")))
    assert dead.failed_step == "connection"
    assert "Connection refused" in dead.steps[-1].detail
    unknown = diagnose(objects_of(_environment(f"https://{nowhere}")))
    assert unknown.failed_step == "name"
    assert "was not found" in unknown.steps[-1].detail


def test_the_gate_would_notice_what_moto_does_not(store: S3Store) -> None:
    """The store of these tests is strict: a body or an MD5 that does not fit is refused."""
    client = objects(store).client()
    wrong = base64.b64encode(hashlib.md5(b"b").digest()).decode()
    with pytest.raises(client.exceptions.ClientError, match="BadDigest"):
        client.put_object(Bucket=BUCKET, Key="a", Body=b"a", ContentMD5=wrong)
    assert get(f"{store.url}/{BUCKET}/a").status_code == 403
