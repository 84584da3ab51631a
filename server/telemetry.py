"""The log: structured lines on stdout, in a file that rotates when there is a folder for it, and the newest in memory."""

import logging
import sys
from collections import deque
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from server.settings import LogFormat, LogLevel, Settings, SettingsError

_FILE_BYTES = 3_000_000
_FILES = 3
_KEPT_LINES = 1000
_SECRET_KEYS = frozenset({"authorization", "token", "api_key", "x_api_key", "password", "secret"})


class RecentLines(logging.Handler):
    """The newest log lines, for where there is no shell to read the log with."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the formatted line."""
        self.lines.append(self.format(record))


def set_up(settings: Settings) -> RecentLines:
    """Send every log line of this process, uvicorn's included, one way. Raises SettingsError for a useless LOG_DIR."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    as_json = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    as_console = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.dev.ConsoleRenderer()],
    )
    console = logging.StreamHandler(sys.stdout)
    console.setFormatter(as_json if settings.log_format is LogFormat.JSON else as_console)
    recent = RecentLines()
    recent.setFormatter(as_json)
    handlers: list[logging.Handler] = [console, recent]
    if settings.log_dir:
        handlers.append(_rotating(settings.log_dir))
        handlers[-1].setFormatter(as_json)
    root = logging.getLogger()
    root.handlers = handlers
    root.setLevel(settings.log_level.value.upper())
    # every request has its own line from us; httpx2 logs the address of a document, which may hold a signature,
    # and so do botocore and urllib3
    for name, level in {
        "uvicorn.access": logging.CRITICAL,
        "uvicorn.error": logging.WARNING,
        "httpx2": logging.WARNING,
        "mcp": logging.WARNING,
        "boto3": logging.WARNING,
        "botocore": logging.WARNING,
        "urllib3": logging.WARNING,
        "opentelemetry": logging.CRITICAL,  # `server.otlp` says what there is to say, once
    }.items():
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(max(level, logging.getLevelName(settings.log_level.value.upper())))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=settings.log_level is not LogLevel.DEBUG,
    )
    return recent


def _rotating(folder: Path) -> RotatingFileHandler:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(
            folder / "offline-ocr.log", maxBytes=_FILE_BYTES, backupCount=_FILES - 1, encoding="utf-8"
        )
    except OSError as error:
        raise SettingsError(f"LOG_DIR: {folder} cannot be written ({error.strerror})") from None


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for key in event:
        if key.lower() in _SECRET_KEYS:
            event[key] = "[redacted]"
    return event
