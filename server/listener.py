"""The port, open before the rest of the server is even imported: connections wait in its backlog instead of failing."""

import errno
import socket

from server.settings import Settings, SettingsError

_BACKLOG = 512


def bind(settings: Settings) -> socket.socket:
    """A listening socket on HOST:PORT. Raises SettingsError when that cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        variable = "PORT" if error.errno in {errno.EADDRINUSE, errno.EACCES} else "HOST"
        where = f"{settings.host}:{settings.port}"
        raise SettingsError(f"{variable}: {where} cannot be listened on ({error.strerror})") from None
