"""What can go wrong while weights are brought; each class owns the exit code of the command."""

from typing import ClassVar


class PrefetchError(Exception):
    """The command fails; the message is for the person who runs it."""

    exit_code: ClassVar[int] = 1


class NotFetched(PrefetchError):
    """No source had these weights whole."""


class Damaged(PrefetchError):
    """What lies in the folder is not what the lock says."""

    exit_code = 3


class NoRoom(PrefetchError):
    """The disk is full, or the folder cannot be written."""

    exit_code = 4


class SourceFailed(Exception):
    """One source did not give the weights. `lasting`: asking it again will not help."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting
