"""As much time as large libraries take on a machine that has other work, too. Where there is none, it costs nothing."""

import httpx2

from tests.contract.running import Server

LOAD_S = 900
"""For all models of a server, or a reply that waits until one is loaded anew."""

PATIENT = {"QUEUE_MAX_WAIT_S": str(LOAD_S), "REQUEST_TIMEOUT_S": str(LOAD_S)}
"""Variables of a server that gives its callers so long."""


def loaded(server: Server) -> Server:
    """The server, when it has loaded what it preloads; its client is patient from then on."""
    server.ready(LOAD_S).client.timeout = LOAD_S
    return server


def ocr(server: Server, data: bytes, **fields: str) -> httpx2.Response:
    """As `Server.ocr`."""
    with server.new_client(timeout_s=LOAD_S) as client:
        return client.post("/ocr", files={"file": ("x", data)}, data=fields)
