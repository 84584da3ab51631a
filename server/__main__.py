"""`python -m server`: bind the port, then load everything else.

Imports stay inside `main`: the page pool's children import this module again, and the port must not wait for them.
"""

import signal
import sys


def main() -> int:
    """Serve until SIGTERM or SIGINT, drain, and return the exit code: 0, or 2 for a bad environment."""
    # until the server listens to signals itself: end without a traceback
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: sys.exit(0))
    from server import settings  # noqa: PLC0415

    try:
        configuration = settings.read()
        settings.forget_secrets()
        from server import listener  # noqa: PLC0415

        with listener.bind(configuration) as port:
            from server import serving  # noqa: PLC0415

            serving.serve(configuration, port)
    except settings.SettingsError as error:
        sys.stderr.write(f"offline-ocr: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
