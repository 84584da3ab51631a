"""The environment: what each variable may be, what the operator reads when it is not, and what is documented."""

import os
import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from server import settings
from server.settings import AuthMode, LogFormat, LogLevel, Settings, SettingsError
from tests.unit.fakes import settings_of

ROOT = Path(__file__).parents[2]
TOKEN = "s3cret-of-alice"
DEFAULTS = {
    "HOST": "0.0.0.0",
    "PORT": 8081,
    "AUTH_MODE": AuthMode.BEARER,
    "API_TOKENS": None,
    "API_TOKENS_FILE": None,
    "RATE_LIMIT_PER_MINUTE": 0,
    "CORS_ORIGINS": (),
    "PADDLEX_HOME": Path("/opt/models"),
    "DATA_DIR": Path("/tmp/offline-ocr"),
    "MODELS": (),
    "DEFAULT_MODEL": "pp-ocr",
    "PRELOAD": None,
    "MAX_LOADED_MODELS": 0,
    "GPU_MEMORY_SHARE": 0.9,
    "ALLOW_CPU": False,
    "RECOGNISER": "auto",
    "PADDLE_VL_RECOGNISER": "native",
    "VLLM_OVERRIDES": {},
    "MAX_UPLOAD_MB": 100,
    "MAX_PAGES": 2000,
    "MAX_PIXELS": 64_000_000,
    "PDF_DPI": None,
    "ALLOW_URL_INPUT": False,
    "QUEUE_MAX_PAGES": 64,
    "QUEUE_MAX_WAIT_S": 60,
    "REQUEST_TIMEOUT_S": 600,
    "PAGE_TIMEOUT_S": 120,
    "WORKER_MAX_PAGES": 5000,
    "WORKER_MAX_RSS_MB": 8192,
    "MAX_BATCH_FILES": 10,
    "JOBS_MAX_MB": 4096,
    "CACHE_MB": 256,
    "SHUTDOWN_GRACE_S": 30,
    "RESULT_TTL_S": 86_400,
    "PAGE_HEADER": "[Страница {page}]",
    "PAGE_SEPARATOR": "--- СТРАНИЦА РАЗДЕЛИТЕЛЬ ---",
    "WEBHOOK_HOSTS": (),
    "WEBHOOK_SECRET": None,
    "LOG_LEVEL": LogLevel.INFO,
    "LOG_FORMAT": LogFormat.JSON,
    "LOG_DIR": None,
    "OTEL_EXPORTER_OTLP_ENDPOINT": None,
    "OTEL_EXPORTER_OTLP_HEADERS": None,
    "CLOUDRU_S3_ENDPOINT": None,
    "CLOUDRU_S3_BUCKET": None,
    "CLOUDRU_S3_ACCESS_KEY": None,
    "CLOUDRU_S3_SECRET_KEY": None,
    "CLOUDRU_S3_REGION": "ru-central-1",
    "CLOUDRU_S3_ADDRESSING": "path",
    "S3_LINK_TTL_S": 86_400,
    "S3_INPUT_BUCKETS": (),
}
BOUNDS: dict[str, tuple[float, float]] = {
    "PORT": (1, 65535),
    "RATE_LIMIT_PER_MINUTE": (0, 1_000_000),
    "MAX_LOADED_MODELS": (0, 1000),
    "GPU_MEMORY_SHARE": (0.05, 1),
    "MAX_UPLOAD_MB": (1, 10_000),
    "MAX_PAGES": (1, 100_000),
    "MAX_PIXELS": (10_000, 500_000_000),
    "PDF_DPI": (36, 600),
    "QUEUE_MAX_PAGES": (1, 100_000),
    "QUEUE_MAX_WAIT_S": (0.1, 3600),
    "REQUEST_TIMEOUT_S": (1, 86_400),
    "PAGE_TIMEOUT_S": (1, 3600),
    "WORKER_MAX_PAGES": (1, 10_000_000),
    "WORKER_MAX_RSS_MB": (128, 1_000_000),
    "MAX_BATCH_FILES": (1, 1000),
    "JOBS_MAX_MB": (1, 100_000_000),
    "CACHE_MB": (0, 100_000_000),
    "SHUTDOWN_GRACE_S": (0, 3600),
    "RESULT_TTL_S": (1, 31_536_000),
    "S3_LINK_TTL_S": (1, 604_800),
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper() in settings.variables():
            monkeypatch.delenv(name)


def read(**environment: str) -> Settings:
    """The settings of an environment that lets callers in."""
    return settings_of({"API_TOKENS": TOKEN, **environment})


def refusal(**environment: str) -> str:
    """What the operator reads."""
    with pytest.raises(SettingsError) as refused:
        read(**environment)
    return str(refused.value)


# --- every variable


def test_every_variable_has_its_default() -> None:
    found = read()

    values = {name: getattr(found, name.lower()) for name in settings.variables()}
    assert values == {**DEFAULTS, "API_TOKENS": SecretStr(TOKEN)}


def test_every_variable_is_described() -> None:
    for name, (_, description) in settings.variables().items():
        assert description, name
        assert "|" not in description, name
        assert not description.endswith("."), name


def test_every_number_has_bounds_here() -> None:
    numbers = {name for name, default in DEFAULTS.items() if isinstance(default, int | float) and default is not False}
    assert numbers | {"PDF_DPI"} == set(BOUNDS)  # whose default depends on the model


@pytest.mark.parametrize(("name", "bounds"), BOUNDS.items())
def test_a_number_may_be_as_small_and_as_large_as_its_bounds(name: str, bounds: tuple[float, float]) -> None:
    for bound in bounds:
        assert getattr(read(**{name: str(bound)}), name.lower()) == bound


@pytest.mark.parametrize(("name", "bounds"), BOUNDS.items())
def test_a_number_out_of_bounds_stops_the_start(name: str, bounds: tuple[float, float]) -> None:
    low, high = bounds
    for value in (str(low - 1), str(high + 1), "1e999", "inf", "nan", "many", "1;2", "٣x"):
        message = refusal(**{name: value})
        assert message.startswith(f"{name}: ")
        assert repr(value) in message
        assert "\n" not in message


@pytest.mark.parametrize("name", [name for name in BOUNDS if not name.endswith("_S") or name.endswith("_TTL_S")])
def test_a_count_is_a_whole_number(name: str) -> None:
    assert refusal(**{name: "36.5"}).startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["QUEUE_MAX_WAIT_S", "REQUEST_TIMEOUT_S", "PAGE_TIMEOUT_S", "SHUTDOWN_GRACE_S"])
def test_a_time_may_have_a_fraction(name: str) -> None:
    assert getattr(read(**{name: "1.5"}), name.lower()) == 1.5


@pytest.mark.parametrize(
    ("given", "meant"), [("true", True), ("1", True), ("on", True), ("False", False), ("0", False)]
)
def test_a_switch_is_on_or_off(given: str, meant: bool) -> None:
    assert read(ALLOW_URL_INPUT=given).allow_url_input is meant


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOW_URL_INPUT", "maybe"),
        ("AUTH_MODE", "none"),
        ("LOG_LEVEL", "chatty"),
        ("LOG_FORMAT", "xml"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("CORS_ORIGINS", "https://a.example, example.com"),
        ("CORS_ORIGINS", "ftp://a.example"),
        ("API_TOKENS_FILE", "/no/such/file"),
        ("API_TOKENS_FILE", "/"),
        ("API_TOKENS_FILE", "/no\nsuch"),
        ("PORT", "80\n81"),
        ("RECOGNISER", "paddle"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:pass@collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?x=y"),
        ("CLOUDRU_S3_ENDPOINT", "s3.cloud.ru"),
        ("CLOUDRU_S3_ENDPOINT", "https://user:pass@s3.cloud.ru"),
        ("CLOUDRU_S3_ENDPOINT", "https://s3.cloud.ru/bucket"),
        ("CLOUDRU_S3_BUCKET", "No Bucket"),
        ("CLOUDRU_S3_ACCESS_KEY", "tenant/key"),
        ("CLOUDRU_S3_REGION", "ru central"),
        ("CLOUDRU_S3_ADDRESSING", "dns"),
        ("S3_INPUT_BUCKETS", "scans,../x"),
        ("VLLM_OVERRIDES", "{glm-ocr"),
        ("VLLM_OVERRIDES", '["glm-ocr"]'),
        ("VLLM_OVERRIDES", '{"glm-ocr": {"trust_remote_code": true}}'),
        ("VLLM_OVERRIDES", '{"glm-ocr": {"gpu_memory_share": 1.5}}'),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable(name: str, value: str) -> None:
    message = refusal(**{name: value})

    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert TOKEN not in message


def test_a_long_bad_value_is_not_shown_in_full() -> None:
    assert len(refusal(PORT="8" * 5000)) < 300


def test_of_several_bad_values_one_is_named() -> None:
    assert refusal(PORT="x", PDF_DPI="x").startswith("PORT: ")


def test_words_may_be_written_in_capitals() -> None:
    found = read(AUTH_MODE="Bearer", LOG_LEVEL="DEBUG", LOG_FORMAT="Console")

    assert (found.auth_mode, found.log_level, found.log_format) == (
        AuthMode.BEARER,
        LogLevel.DEBUG,
        LogFormat.CONSOLE,
    )


def test_an_empty_value_is_the_same_as_none() -> None:
    assert read(**dict.fromkeys(set(DEFAULTS) - {"API_TOKENS"}, "")) == read()


def test_other_variables_are_nobodys_business() -> None:
    assert read(PATH="/bin", PORTS="x") == read()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        read().port = 1


def test_the_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKENS", TOKEN)
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("HOST", "")

    found = settings.read()

    assert (found.port, found.host, found.tokens()) == (9000, "0.0.0.0", (TOKEN,))


def test_a_bad_process_environment_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKENS", TOKEN)
    monkeypatch.setenv("PORT", "no")

    with pytest.raises(SettingsError, match=r"^PORT: [^\n]*\(it is 'no'\)$"):
        settings.read()


# --- lists


@pytest.mark.parametrize("given", ["a,b", " a , b ", ",a,,b,"])
def test_lists_are_written_with_commas(given: str) -> None:
    assert read(MODELS=given, DEFAULT_MODEL="a").models == ("a", "b")


def test_a_json_list_from_the_environment_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKENS", TOKEN)
    monkeypatch.setenv("CORS_ORIGINS", '["https://a.example"]')

    with pytest.raises(SettingsError, match=r"^CORS_ORIGINS: "):
        settings.read()


def test_web_origins_are_schemes_with_hosts_or_all() -> None:
    assert read(CORS_ORIGINS="https://a.example,http://b:8080").cors_origins == ("https://a.example", "http://b:8080")
    assert read(CORS_ORIGINS="*").cors_origins == ("*",)


# --- models


def test_the_default_model_is_loaded_at_start_unless_told_otherwise() -> None:
    assert read().preloaded == ("pp-ocr",)
    assert read(DEFAULT_MODEL="tesseract").preloaded == ("tesseract",)
    assert read(PRELOAD="tesseract,pp-ocr").preloaded == ("tesseract", "pp-ocr")
    assert read(PRELOAD="none").preloaded == ()


def test_the_default_model_must_be_among_the_models() -> None:
    assert refusal(MODELS="tesseract") == "DEFAULT_MODEL: 'pp-ocr' is not among MODELS"


def test_a_preloaded_model_must_be_among_the_models() -> None:
    assert refusal(MODELS="pp-ocr", PRELOAD="pp-ocr,tesseract") == "PRELOAD: 'tesseract' is not among MODELS"


def test_no_more_models_are_preloaded_than_may_be_loaded() -> None:
    two = {"PRELOAD": "pp-ocr,tesseract"}
    assert refusal(**two, MAX_LOADED_MODELS="1") == "PRELOAD: it names 2 models, and MAX_LOADED_MODELS is 1"
    assert read(**two, MAX_LOADED_MODELS="2").max_loaded_models == 2
    assert read(**two, MAX_LOADED_MODELS="0").max_loaded_models == 0
    assert read(PRELOAD="pp-ocr,pp-ocr", MAX_LOADED_MODELS="1").max_loaded_models == 1


# --- who may call


def test_with_no_way_to_check_callers_the_operator_reads_how_to_set_one() -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of({})

    message = str(refused.value)
    assert message.startswith("AUTH_MODE: ")
    assert "\n" not in message
    for way in ("API_TOKENS=", "API_TOKENS_FILE=", "AUTH_MODE=platform"):
        assert way in message


def test_a_gateway_that_checks_callers_needs_no_token() -> None:
    assert settings_of({"AUTH_MODE": "platform"}).tokens() == ()
    assert settings_of({"AUTH_MODE": "platform", "API_TOKENS": "a"}).tokens() == ()


def test_tokens_are_separated_by_commas_and_kept_once() -> None:
    assert settings_of({"API_TOKENS": " a, b ,,a"}).tokens() == ("a", "b")


def test_a_token_file_has_a_token_a_line_and_comments(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# who may call\nalice-1  # since May\n\n  bob-2\r\n#carol-3\nalice-1\n", "utf-8")

    assert settings_of({"API_TOKENS_FILE": str(file)}).tokens() == ("alice-1", "bob-2")
    assert read(API_TOKENS_FILE=str(file)).tokens() == (TOKEN, "alice-1", "bob-2")


@pytest.mark.parametrize("content", [b"", b"# nobody yet\n\n", b" \n"])
def test_a_token_file_without_a_token_stops_the_start(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match=r"^API_TOKENS: no token in it, nor in API_TOKENS_FILE"):
        settings_of({"API_TOKENS_FILE": str(file)})


def test_a_token_file_that_is_no_text_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SettingsError, match=rf"^API_TOKENS_FILE: {file} cannot be read"):
        settings_of({"API_TOKENS_FILE": str(file)})


def test_only_commas_are_no_token() -> None:
    assert refusal(API_TOKENS=" , ").startswith("API_TOKENS: no token")


@pytest.mark.parametrize("token", ["two words", "тайна-сервера", "bell\x07", "a\nb", "é"])
def test_a_token_that_no_header_carries_stops_the_start_and_is_not_shown(token: str) -> None:
    message = refusal(API_TOKENS=f"fine-one,{token}")

    assert message.startswith("API_TOKENS: ")
    assert token not in message
    assert "fine-one" not in message
    assert "\n" not in message


def test_a_bad_token_in_the_file_is_not_shown_either(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("fine-one\nnot so fine\n", "utf-8")

    message = refusal(API_TOKENS_FILE=str(file))

    assert message.startswith("API_TOKENS: ")
    assert "fine" not in message


def test_no_form_of_the_settings_shows_a_token() -> None:
    found = read()

    for shown in (repr(found), str(found), found.model_dump_json(), str(found.model_dump())):
        assert TOKEN not in shown


@pytest.mark.parametrize("bad", [name for name in DEFAULTS if name not in {"API_TOKENS", "HOST", "DATA_DIR"}])
def test_no_bad_value_beside_it_gives_the_token_away(bad: str) -> None:
    try:
        read(**{bad: "\x01 ,no,such"})
    except SettingsError as error:
        assert TOKEN not in str(error)
        assert error.__cause__ is None
        assert error.__suppress_context__


def test_secrets_leave_the_environment_and_the_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKENS", TOKEN)
    monkeypatch.setenv("api_tokens", TOKEN)
    monkeypatch.setenv("PORT", "9000")

    settings.forget_secrets()

    assert TOKEN not in os.environ.values()
    assert os.environ["PORT"] == "9000"


# --- webhooks

HOOKS = "hooks.example.com"


@pytest.mark.parametrize(
    "given",
    [
        HOOKS,
        f"{HOOKS}:8443",
        "localhost",
        "93.184.216.34:80",
        "[2606:4700::1111]",
        "[2606:4700::1111]:65535",
        "xn--p1ai",
    ],
)
def test_a_host_of_webhooks_is_a_name_or_an_address_and_perhaps_a_port(given: str) -> None:
    assert read(WEBHOOK_HOSTS=f" {given} ,b.test", WEBHOOK_SECRET="sixteen-letters!").webhook_hosts == (given, "b.test")


@pytest.mark.parametrize(
    "given",
    [
        *(f"https://{HOOKS}", f"{HOOKS}/", f"*.{HOOKS}", f"me@{HOOKS}", f"{HOOKS}:", f"{HOOKS}:0", f"{HOOKS}:65536"),
        *(
            "*",
            "a b",
            "a..b",
            ".a",
            "a.",
            "127.1",
            "93.184.216.034",
            "[example.com]",
            "крючки.рф",
            "2606:4700::1111",
            "[2606::1::1]",
            "[93.184.216.34]",
            "[]:80",
        ),
    ],
)
def test_what_is_no_host_of_webhooks_stops_the_start(given: str) -> None:
    message = refusal(WEBHOOK_HOSTS=f"fine.test,{given}", WEBHOOK_SECRET="sixteen-letters!")

    assert message.startswith(f"WEBHOOK_HOSTS: {given!r} is not a host such as ")
    assert "\n" not in message


def test_webhooks_need_a_secret() -> None:
    assert refusal(WEBHOOK_HOSTS=HOOKS).startswith("WEBHOOK_SECRET: there is none")


@pytest.mark.parametrize("bad", ["fifteen-letters", "of more than sixteen letters", "whsec_dG9vIHNob3J0", "whsec_!?"])
def test_a_bad_secret_of_webhooks_stops_the_start_and_is_not_shown(bad: str) -> None:
    for hosts in ("", HOOKS):
        message = refusal(WEBHOOK_HOSTS=hosts, WEBHOOK_SECRET=bad)

        assert message.startswith("WEBHOOK_SECRET: it must be whsec_ and 24 to 64 bytes in base64")
        assert bad not in message
        assert "\n" not in message


def test_the_secret_of_webhooks_is_shown_nowhere_and_leaves_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(WEBHOOK_SECRET="sixteen-letters!")
    for shown in (repr(found), str(found), found.model_dump_json(), str(found.model_dump())):
        assert "sixteen" not in shown

    monkeypatch.setenv("WEBHOOK_SECRET", "sixteen-letters!")
    settings.forget_secrets()
    assert "WEBHOOK_SECRET" not in os.environ


# --- traces


def test_headers_for_the_collector_are_read_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(OTEL_EXPORTER_OTLP_HEADERS=" Authorization=Basic%20c2VjcmV0, x-scope=no,")

    assert found.otlp_headers() == {"Authorization": "Basic c2VjcmV0", "x-scope": "no"}
    assert read().otlp_headers() == {}
    for shown in (repr(found), str(found), found.model_dump_json(), str(found.model_dump())):
        assert "c2VjcmV0" not in shown
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=b")
    settings.forget_secrets()
    assert "OTEL_EXPORTER_OTLP_HEADERS" not in os.environ


@pytest.mark.parametrize("bad", ["secret-word", "a b=secret-word", "a=secret-word%0d%0ab: c", "a=secret-word%d1%8f"])
def test_what_is_no_header_stops_the_start_and_is_not_shown(bad: str) -> None:
    message = refusal(OTEL_EXPORTER_OTLP_HEADERS=bad)

    assert message.startswith("OTEL_EXPORTER_OTLP_HEADERS: it is not name=value")
    assert "secret-word" not in message


@pytest.mark.parametrize("given", ["http://collector:4318", "https://[::1]:4318/", "https://otlp.example.com/a/b"])
def test_a_collector_may_be_anywhere(given: str) -> None:
    assert read(OTEL_EXPORTER_OTLP_ENDPOINT=given).otel_exporter_otlp_endpoint == given


# --- S3

S3 = {
    "CLOUDRU_S3_ENDPOINT": "https://s3.cloud.ru",
    "CLOUDRU_S3_BUCKET": "results",
    "CLOUDRU_S3_ACCESS_KEY": "tenant-id:key-id",
    "CLOUDRU_S3_SECRET_KEY": "s3cret/of+the=store",
}


def test_s3_is_on_when_all_four_variables_are_set() -> None:
    found = read(**S3)

    assert (found.s3_storage, found.s3_missing) == ("enabled", ())
    assert (read().s3_storage, read().s3_missing) == ("disabled", tuple(S3))


@pytest.mark.parametrize("name", S3)
def test_with_a_variable_too_few_s3_is_incomplete(name: str) -> None:
    for absent in ("", " ") if name.endswith("KEY") else ("",):
        found = read(**{**S3, name: absent})
        assert (found.s3_storage, found.s3_missing) == ("incomplete", (name,))


def test_an_address_or_a_region_alone_does_not_switch_s3_on() -> None:
    assert read(CLOUDRU_S3_REGION="x", S3_INPUT_BUCKETS="scans").s3_storage == "disabled"
    assert read(CLOUDRU_S3_ENDPOINT=S3["CLOUDRU_S3_ENDPOINT"]).s3_missing == tuple(S3)[1:]


def test_keys_from_a_file_may_end_with_a_line_break() -> None:
    found = read(**{name: f"{value}\n" if name.endswith("KEY") else value for name, value in S3.items()})

    assert found == read(**S3)


def test_no_form_of_the_settings_shows_the_keys_of_s3() -> None:
    found = read(**S3)

    for shown in (repr(found), found.model_dump_json(), str(found.model_dump())):
        assert S3["CLOUDRU_S3_ACCESS_KEY"] not in shown
        assert S3["CLOUDRU_S3_SECRET_KEY"] not in shown
    assert "tenant/key" not in refusal(CLOUDRU_S3_ACCESS_KEY="tenant/key")


def test_the_keys_of_s3_leave_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3.items():
        monkeypatch.setenv(name, value)

    settings.forget_secrets()

    assert {name for name in S3 if name in os.environ} == {"CLOUDRU_S3_ENDPOINT", "CLOUDRU_S3_BUCKET"}


# --- documentation


def _table(page: str) -> dict[str, tuple[str, str]]:
    """Variable → default and description, from the rows | `NAME` | default | description |."""
    path = ROOT / "docs" / page
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \|([^|]*)\|([^|]*)\|$", path.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len({name for name, _, _ in rows}), f"{page} lists a variable twice"
    return {name: (default.strip(), description.strip()) for name, default, description in rows}


def test_every_variable_is_documented_as_it_is() -> None:
    assert _table("settings.md") == settings.variables()


def test_the_russian_page_lists_the_same_variables_and_defaults() -> None:
    table = _table("settings.ru.md")

    assert {name: default for name, (default, _) in table.items()} == {
        name: default for name, (default, _) in settings.variables().items()
    }
    assert all(re.search("[а-яё]", description) for _, description in table.values())
