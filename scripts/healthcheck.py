"""Whether the server of this container answers: the image's HEALTHCHECK. Standard library only."""

import http.client
import os
import sys

_ANY = {None, "", "0.0.0.0", "::"}


def main() -> int:
    """Exit code 0 when `/health/live` says 200, else 1 with the reason."""
    host = os.environ.get("HOST")
    address = "127.0.0.1" if host in _ANY else host
    connection = http.client.HTTPConnection(str(address), int(os.environ.get("PORT") or 8081), timeout=4)
    try:
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(repr(error))
        return 1
    print(status)
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
