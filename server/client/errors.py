"""What ends a command, or one document of many. Each class owns its exit code; the message is one line for the user.

ClientError
├── Failed          1    this request or this document; others may go on
│   └── Refused          the server's problem reply
│       └── ServerFault  500: may pass, may come back for ever
├── OutUnusable     1    no result can be written any more
├── WrongUsage      2    a wrong argument, variable or option
├── NoConnection    3    no answer, or none that the server itself gave
│   ├── Busy             429, or 503 with Retry-After
│   └── NotTheServer     somebody else answers at this address
└── TokenRefused    4
"""

from typing import ClassVar

INTERRUPTED = 130  # as a shell states a program that SIGINT ended


class ClientError(Exception):
    """The root."""

    exit_code: ClassVar[int] = 1


class Failed(ClientError):
    """What was asked for did not come about."""


class Refused(Failed):
    """The server said no: its problem's `status`, stable `code`, title and detail."""

    def __init__(self, status: int, code: str, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.code = code


class ServerFault(Refused):
    """A fault inside the server."""


class OutUnusable(ClientError):
    """The folder of results is full or read-only."""


class WrongUsage(ClientError):
    """The user can mend it by typing something else."""

    exit_code = 2


class NoConnection(ClientError):
    """Nobody answered; the same request may succeed later, `retry_after` seconds from now where somebody said so."""

    exit_code = 3

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Busy(NoConnection):
    """The server is there and takes no more at the moment."""


class NotTheServer(NoConnection):
    """An answer that offline-ocr does not give. Asking again does not help."""


class TokenRefused(ClientError):
    """The server, or the gateway before it, does not know the token."""

    exit_code = 4
