"""Every environment variable the server reads, described and bounded.

Read once at start and frozen. A bad value stops the start with one line that names the variable (`SettingsError`).
The table in docs/settings.md is held against `Settings` by a test.
"""

import ctypes
import os
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableError

from server import hosts, signing

MIB = 1024 * 1024


class SettingsError(Exception):
    """The environment does not describe a server that could start; the message is one line for the operator."""


class AuthMode(StrEnum):
    """Who checks the caller: this server (bearer) or the gateway in front of it (platform)."""

    BEARER = "bearer"
    PLATFORM = "platform"


class LogFormat(StrEnum):
    """One JSON object a line, or coloured lines for a person."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least severe log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _split(value: object) -> object:
    """`"a, b"` → `("a", "b")`: lists are written with commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _check(variable: str, read: Callable[[str], object], value: str) -> None:
    try:
        read(value)
    except ValueError as error:
        raise ValueError(f"{variable}: {error}") from None


def _stripped(value: object) -> object:
    """Without white space around it: a secret that was read from a file often ends with a line break."""
    return value.strip() if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
_TOKEN = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
_ORIGIN = re.compile(r"\*|https?://[^/\s]+")
_S3_ENDPOINT = re.compile(r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/?")
_OTLP_ENDPOINT = re.compile(r"https?://[A-Za-z0-9\[]([A-Za-z0-9.:\]-]*[A-Za-z0-9\]])?(/[A-Za-z0-9._~/-]*)?")
_OTLP_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)=([\x21-\x2b\x2d-\x7e]*)")
_S3_KEY = re.compile(r"[\x21-\x2b\x2d\x2e\x30-\x7e]+")  # a comma or a slash would end it in SigV4's Credential
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"


S3State = Literal["enabled", "disabled", "incomplete"]


def _given(value: str | SecretStr | None) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


class VllmOverrides(BaseModel):
    """What may be changed of a model that vLLM serves; what is not given stays as in the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gpu_memory_share: float | None = Field(None, gt=0, le=1)
    max_model_len: int | None = Field(None, ge=256, le=10_000_000)
    max_num_seqs: int | None = Field(None, ge=1, le=10_000)
    dtype: Literal["auto", "bfloat16", "float16", "float32"] | None = None

    def arguments(self) -> dict[str, Any]:
        """Those that go to `vllm serve`, by their names there with underscores."""
        return self.model_dump(exclude_none=True, exclude={"gpu_memory_share"})


class Settings(BaseSettings):
    """The environment, checked. Field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore", validate_default=False)

    host: str = Field("0.0.0.0", description="Address to listen on", min_length=1)  # noqa: S104 a container's port
    port: int = Field(8081, description="Port to listen on", ge=1, le=65535)
    auth_mode: Annotated[AuthMode, BeforeValidator(_lower)] = Field(
        AuthMode.BEARER,
        description="`bearer`: this server checks the tokens below; `platform`: a gateway in front has checked the caller",
    )
    api_tokens: SecretStr | None = Field(None, description="Accepted tokens, separated by commas")
    api_tokens_file: Path | None = Field(
        None, description="File with accepted tokens, one a line; `#` starts a comment"
    )
    rate_limit_per_minute: int = Field(
        0,
        description="Requests a minute for each token; 0 is no limit, 60 a sensible one",
        ge=0,
        le=1_000_000,
    )
    cors_origins: Names = Field((), description="Web origins that may call from a browser, separated by commas")

    paddlex_home: Path = Field(Path("/opt/models"), description="Folder of the model weights; it may be read-only")
    data_dir: Path = Field(Path("/tmp/offline-ocr"), description="Folder of saved results and of jobs")  # noqa: S108 see docs/settings.md
    models: Names = Field((), description="Models that may be served, separated by commas; empty is all")
    default_model: str = Field("pp-ocr", description="The model when a request names none", min_length=1)
    preload: Names | None = Field(
        None, description="Models loaded at start, separated by commas, or `none`; empty is the default model"
    )
    max_loaded_models: int = Field(
        0,
        description="Most models loaded at once; the one unused longest makes room; 0 is no limit",
        ge=0,
        le=1000,
    )
    gpu_memory_share: float = Field(
        0.9, description="Share of the GPU's memory that loaded models may take together", ge=0.05, le=1
    )
    allow_cpu: bool = Field(
        False, description="Run GPU models on the CPU where the GPU is missing or does not fit the installed packages"
    )
    recogniser: Annotated[Literal["auto", "vllm", "transformers"], BeforeValidator(_lower)] = Field(
        "auto",
        description="What runs `deepseek-ocr`, `deepseek-ocr2` and `glm-ocr`: a vLLM server for each, or transformers "
        "in the engine's worker, slower; `auto` is vLLM where it is installed",
    )
    paddle_vl_recogniser: Annotated[Literal["native", "vllm"], BeforeValidator(_lower)] = Field(
        "native",
        description="What reads the regions for `paddleocr-vl*`: PaddlePaddle itself, or a vLLM server beside it",
    )

    vllm_overrides: dict[str, VllmOverrides] = Field(
        {},
        description='Arguments of vLLM by model, as JSON: `{"glm-ocr": {"gpu_memory_share": 0.3, "max_model_len": 8192, '
        '"max_num_seqs": 64, "dtype": "bfloat16"}}`',
    )

    max_upload_mb: int = Field(100, description="Largest document, MiB", ge=1, le=10_000)
    max_pages: int = Field(2000, description="Most pages read from one document", ge=1, le=100_000)
    max_pixels: int = Field(
        64_000_000,
        description="Most pixels in a page image; PDF pages are rendered smaller to fit",
        ge=10_000,
        le=500_000_000,
    )
    pdf_dpi: int | None = Field(
        None,
        description="Resolution at which PDF pages are rendered, dots per inch; empty is what suits the model: 200, "
        "or 144 for `paddleocr-vl*`",
        ge=36,
        le=600,
    )
    allow_url_input: bool = Field(False, description="Take documents by `image_url`, from public addresses only")

    queue_max_pages: int = Field(
        64, description="Most pages waiting or in work; above it requests get 429", ge=1, le=100_000
    )
    queue_max_wait_s: float = Field(
        60, description="Longest wait for a model or a place in the queue, seconds", ge=0.1, le=3600
    )
    request_timeout_s: float = Field(600, description="Longest time for one request, seconds", ge=1, le=86_400)
    page_timeout_s: float = Field(120, description="Longest time for one page in an engine, seconds", ge=1, le=3600)
    worker_max_pages: int = Field(
        5000,
        description="An engine worker is replaced after this many pages, unless a vLLM server reads for it",
        ge=1,
        le=10_000_000,
    )
    worker_max_rss_mb: int = Field(
        8192,
        description="An engine worker is replaced when it holds more memory than this, MiB",
        ge=128,
        le=1_000_000,
    )
    max_batch_files: int = Field(
        10, description="Most documents in one request of `/ocr/batch` or `/jobs`", ge=1, le=1000
    )
    jobs_max_mb: int = Field(
        4096,
        description="Most disk that jobs may take together, MiB: finished ones make room, then new ones get 429",
        ge=1,
        le=100_000_000,
    )
    cache_mb: int = Field(
        256,
        description="Most disk for results that are kept for when a caller sends the same again, MiB; 0 is none",
        ge=0,
        le=100_000_000,
    )
    shutdown_grace_s: float = Field(
        30, description="Time to finish running requests on SIGTERM, seconds", ge=0, le=3600
    )

    result_ttl_s: int = Field(
        86_400, description="Saved results and finished jobs are deleted after this time, seconds", ge=1, le=31_536_000
    )
    page_header: str = Field(
        "[Страница {page}]", description="Line above each page in `combined_text`; `{page}` is its number"
    )
    page_separator: str = Field("--- СТРАНИЦА РАЗДЕЛИТЕЛЬ ---", description="Line between pages in `combined_text`")

    webhook_hosts: Names = Field(
        (),
        description="Hosts on the public Internet to which webhooks may go, separated by commas: `hooks.example.com`, or "
        "`hooks.example.com:8443` for another port than the usual one; empty is no webhooks",
    )
    webhook_secret: SecretStr | None = Field(
        None,
        description="Secret that signs webhooks (Standard Webhooks): `whsec_` and 24 to 64 bytes in base64, or at least "
        "16 characters; needed with `WEBHOOK_HOSTS`",
    )

    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = Field(
        LogLevel.INFO, description="Least severe log line written"
    )
    log_format: Annotated[LogFormat, BeforeValidator(_lower)] = Field(
        LogFormat.JSON, description="`json`, or `console` with colours"
    )
    log_dir: Path | None = Field(None, description="Also write log files there, three of 3 MB in turn")

    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        description="Where traces go: an OpenTelemetry collector that takes OTLP over HTTP, such as "
        "`http://collector:4318`; `/v1/traces` is added; empty is no traces",
    )
    otel_exporter_otlp_headers: Annotated[SecretStr | None, BeforeValidator(_stripped)] = Field(
        None, description="Headers that the collector wants, `name=value` separated by commas, values URL-encoded"
    )

    cloudru_s3_endpoint: str | None = Field(
        None,
        description="S3 storage for saved results, such as `https://s3.cloud.ru`; S3 is on when this, the bucket and both "
        "keys are set",
    )
    cloudru_s3_bucket: str | None = Field(None, description="Bucket of saved results", pattern=f"^{_BUCKET}$")
    cloudru_s3_access_key: Annotated[SecretStr | None, BeforeValidator(_stripped)] = Field(
        None, description="Access key; at Cloud.ru `tenant_id:key_id`"
    )
    cloudru_s3_secret_key: Annotated[SecretStr | None, BeforeValidator(_stripped)] = Field(
        None, description="Secret key"
    )
    cloudru_s3_region: str = Field("ru-central-1", description="Region of the bucket", pattern="^[A-Za-z0-9-]{1,64}$")
    cloudru_s3_addressing: Annotated[Literal["path", "virtual"], BeforeValidator(_lower)] = Field(
        "path",
        description="Where the bucket's name stands: in the address's path (`path`) or in its host name (`virtual`)",
    )
    s3_link_ttl_s: int = Field(
        86_400,
        description="Life of the links in `s3_files`, seconds; a signature is good for 7 days at most",
        ge=1,
        le=604_800,
    )
    s3_input_buckets: Names = Field(
        (), description="Buckets from which any caller may have documents read, as `s3://bucket/key` in `image_url`"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.auth_mode is AuthMode.BEARER and not (self.api_tokens or self.api_tokens_file):
            raise ValueError(
                "AUTH_MODE: no way to check callers is set. Set API_TOKENS=… (or API_TOKENS_FILE=…), "
                "or AUTH_MODE=platform when a gateway in front of this server checks them."
            )
        for origin in self.cors_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"CORS_ORIGINS: {origin!r} is not an origin such as https://example.com")
        for host in self.webhook_hosts:
            _check("WEBHOOK_HOSTS", hosts.host_and_port, host)
        if self.webhook_secret:
            _check("WEBHOOK_SECRET", signing.key_of, self.webhook_secret.get_secret_value())
        elif self.webhook_hosts:
            raise ValueError("WEBHOOK_SECRET: there is none to sign the webhooks to WEBHOOK_HOSTS with")
        if self.models and self.default_model not in self.models:
            raise ValueError(f"DEFAULT_MODEL: {self.default_model!r} is not among MODELS")
        if self.models and (strangers := [name for name in self.preloaded if name not in self.models]):
            raise ValueError(f"PRELOAD: {strangers[0]!r} is not among MODELS")
        if 0 < self.max_loaded_models < (named := len(set(self.preloaded))):
            raise ValueError(f"PRELOAD: it names {named} models, and MAX_LOADED_MODELS is {self.max_loaded_models}")
        if self.cloudru_s3_endpoint and not _S3_ENDPOINT.fullmatch(self.cloudru_s3_endpoint):
            raise ValueError("CLOUDRU_S3_ENDPOINT: it is not an address such as https://s3.cloud.ru, without a path")
        if self.cloudru_s3_access_key and not _S3_KEY.fullmatch(self.cloudru_s3_access_key.get_secret_value()):
            raise ValueError("CLOUDRU_S3_ACCESS_KEY: it has a letter that no signature can carry")
        if strangers := [name for name in self.s3_input_buckets if not re.fullmatch(_BUCKET, name)]:
            raise ValueError(f"S3_INPUT_BUCKETS: {strangers[0]!r} is not the name of a bucket")
        self.tokens()
        return self

    @model_validator(mode="after")
    def _traceable(self) -> Self:
        if self.otel_exporter_otlp_endpoint and not _OTLP_ENDPOINT.fullmatch(self.otel_exporter_otlp_endpoint):
            raise ValueError("OTEL_EXPORTER_OTLP_ENDPOINT: it is not an address such as http://collector:4318")
        self.otlp_headers()
        return self

    @property
    def s3_missing(self) -> tuple[str, ...]:
        """The variables that S3 still needs; none of them missing means that it is on."""
        needed = ("cloudru_s3_endpoint", "cloudru_s3_bucket", "cloudru_s3_access_key", "cloudru_s3_secret_key")
        return tuple(name.upper() for name in needed if not _given(getattr(self, name)))

    @property
    def s3_storage(self) -> S3State:
        """Whether results go to S3: `incomplete` when some of its variables are set and some are not."""
        missing = len(self.s3_missing)
        return "enabled" if not missing else "disabled" if missing == 4 else "incomplete"

    @property
    def preloaded(self) -> tuple[str, ...]:
        """Names of the models to load at start."""
        if self.preload is None:
            return (self.default_model,)
        return () if self.preload == ("none",) else self.preload

    def otlp_headers(self) -> dict[str, str]:
        """What goes with every trace to the collector. Raises ValueError, without the value, for what is no header."""
        given = self.otel_exporter_otlp_headers.get_secret_value() if self.otel_exporter_otlp_headers else ""
        headers = {}
        for pair in filter(None, (part.strip() for part in given.split(","))):
            found = _OTLP_HEADER.fullmatch(pair)
            value = unquote(found[2]) if found else ""
            if not found or not value.isascii() or not value.isprintable():
                raise ValueError("OTEL_EXPORTER_OTLP_HEADERS: it is not name=value, separated by commas")
            headers[found[1]] = value
        return headers

    def tokens(self) -> tuple[str, ...]:
        """The accepted tokens of both sources. Raises ValueError, without the token, for one that no header could carry."""
        if self.auth_mode is AuthMode.PLATFORM:
            return ()
        tokens = [part.strip() for part in (self.api_tokens.get_secret_value() if self.api_tokens else "").split(",")]
        if self.api_tokens_file:
            try:
                lines = self.api_tokens_file.read_text("utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"API_TOKENS_FILE: {self.api_tokens_file} cannot be read ({error})") from None
            tokens += [line.partition("#")[0].strip() for line in lines]
        tokens = [token for token in tokens if token]
        if not tokens:
            raise ValueError("API_TOKENS: no token in it, nor in API_TOKENS_FILE; every call would be refused")
        if any(not _TOKEN.fullmatch(token) for token in tokens):
            raise ValueError(
                "API_TOKENS: a token has a space, a comma or a letter outside ASCII, which no header can carry"
            )
        return tuple(dict.fromkeys(tokens))


def variables() -> dict[str, tuple[str, str]]:
    """Every variable with its default and its description, in order, for the table in docs/settings.md."""
    rows = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, tuple | dict) or default is None:
            default = ""
        elif isinstance(default, bool):
            default = str(default).lower()
        rows[name.upper()] = (f"`{default}`" if default != "" else "", field.description or "")
    return rows


def read() -> Settings:
    """The settings from the environment. Raises SettingsError with one line that names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None
    except UnreadableError as error:  # what should be JSON is not
        raise SettingsError(f"VLLM_OVERRIDES: {error.__cause__}") from None


def forget_secrets() -> None:
    """Take the secrets out of this process's environment: no child inherits them, nor reads them in /proc/PID/environ."""
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    for name, field in Settings.model_fields.items():
        if field.annotation == SecretStr | None:
            for variable in {name, name.upper()} & os.environ.keys():
                # proc(5): that file shows the memory the process began with, which unsetting does not change
                if address := libc.getenv(variable.encode()):
                    ctypes.memset(address, 0, len(os.fsencode(os.environ[variable])))
                del os.environ[variable]


def _one_line(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ").replace("\n", " ")
    if not first["loc"]:
        return str(message)
    name = str(first["loc"][0])
    field = Settings.model_fields.get(name)
    secret = field is not None and field.annotation == SecretStr | None
    given = "" if secret else f" (it is {str(first['input'])[:80]!r})"
    path = "".join(f"{part}: " for part in first["loc"][1:])
    return f"{name.upper()}: {path}{message}{given}"
