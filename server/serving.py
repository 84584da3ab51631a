"""The HTTP server around the application: uvicorn, with a SIGTERM that drains before it closes the port."""

import asyncio
import socket
from types import FrameType

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from server import context, error_shapes, telemetry
from server.app import create_app
from server.errors import BadRequest
from server.services import Services
from server.settings import Settings

_CLOSE_CONNECTIONS_S = 5
_MAX_HEADERS = 64 * 1024  # bytes


class _Protocol(H11Protocol):
    """HTTP/1.1, where a request that is none is answered as any other mistake."""

    def send_400_response(self, msg: str) -> None:
        """Say so, unless a reply has begun, and hang up."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            request_id = context.new_id()
            error = BadRequest("The request is not HTTP/1.1 as RFC 9112 has it.")
            body, media_type = error_shapes.write(error, "", request_id)
            headers = {"Content-Type": media_type, "Content-Length": str(len(body))}
            headers |= {"Connection": "close", "X-Request-ID": request_id}
            head = h11.Response(status_code=400, headers=list(headers.items()), reason=b"Bad Request")
            for event in (head, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class _Server(uvicorn.Server):
    """While it drains the port stays open: probes hear that it is not ready, callers that another replica is."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain on the first signal; on the second stop at once."""
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        if self._draining is not None:
            self._services.giving_up.set()
            self.should_exit = True
            return
        self._draining = asyncio.create_task(self._drain_then_exit())

    async def _drain_then_exit(self) -> None:
        await self._services.drain()
        self.should_exit = True


def serve(settings: Settings, port: socket.socket) -> None:
    """Serve on an open socket until a signal ends it. Raises SettingsError."""
    recent = telemetry.set_up(settings)

    async def run() -> None:
        services = Services.make(settings, recent)
        config = uvicorn.Config(
            create_app(services),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            http=_Protocol,  # the other one, httptools, takes headers without end
            h11_max_incomplete_event_size=_MAX_HEADERS,
            timeout_graceful_shutdown=_CLOSE_CONNECTIONS_S,
        )
        await _Server(config, services).serve(sockets=[port])

    import uvloop  # noqa: PLC0415

    uvloop.run(run())
