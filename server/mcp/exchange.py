"""One message and its answer: the SDK speaks the protocol, in this request's own task, and nothing of it outlasts that."""

import asyncio
import base64
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from mcp.server import Server, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from server import build
from server.errors import BadOption, InternalError, OcrError
from server.mcp import resources, tools
from server.mcp.asking import Asking

_INSTRUCTIONS = (
    "Reads scanned documents and pictures with models on this server: nothing leaves it. `ocr_document` takes one "
    "document and gives its text; results that were saved over HTTP are resources."
)
_TOOLS = [
    Tool(
        name=name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.model_json_schema(),
        output_schema=tool.outcome.model_json_schema(mode="serialization"),
        annotations=ToolAnnotations(
            read_only_hint=tool.read_only, destructive_hint=False, open_world_hint=not tool.read_only
        ),
    )
    for name, tool in tools.TOOLS.items()
]
_TEMPLATES = [ResourceTemplate(uri_template=uri, name=name) for uri, name in resources.TEMPLATES.items()]

Context = ServerRequestContext[Any, Any]

log = structlog.get_logger("server.mcp")


async def exchange(asking: Asking, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the message that `receive` gives. There are no sessions: any replica can answer any message."""
    # whoever made the message has bounded it
    manager = StreamableHTTPSessionManager(
        _Handlers(asking).server(), stateless=True, max_request_body_size=sys.maxsize
    )
    async with manager.run():
        await manager.handle_request(scope, receive, send)


class _Handlers:
    """What the SDK asks for, for one message."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def server(self) -> Server[Any]:
        """The SDK's server with them."""
        return Server(
            "offline-ocr",
            version=build.version(),
            instructions=_INSTRUCTIONS,
            get_tool_input_schema=lambda _: None,  # no argument of a tool is a header too
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )

    async def _list_tools(self, _: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=_TOOLS)

    async def _list_templates(self, _: Context, __: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=_TEMPLATES)

    async def _call_tool(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = tools.TOOLS.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name[:100]!r}: {', '.join(tools.TOOLS)}.")
        try:
            async with _progress(context.session.report_progress) as told:
                asks = _checked(tool, params.arguments or {})
                answer = await self._asking.work(tool.run(self._asking, asks, told))
        except OcrError as error:
            return _failed(error)
        except Exception:
            log.exception("a tool failed unexpectedly", tool=params.name)
            return _failed(InternalError("The server failed on this call; its log has the details."))
        texts = [TextContent(text=text) for text in answer.texts]
        return CallToolResult(content=list(texts), structured_content=answer.structured)

    async def _list_resources(self, _: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        cursor = params.cursor if params else None
        found, following = await self._tried(resources.saved(self._asking, cursor))
        listed = [
            Resource(uri=uri, name=row.name, mime_type=resources.media_type(row.type), size=row.size)
            for uri, row in found
        ]
        return ListResourcesResult(resources=listed, next_cursor=following)

    async def _read_resource(self, _: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        found = await self._tried(resources.content(self._asking, params.uri))
        contents: TextResourceContents | BlobResourceContents
        if found.is_text:
            contents = TextResourceContents(uri=params.uri, mime_type=found.media_type, text=found.data.decode())
        else:
            blob = base64.b64encode(found.data).decode()
            contents = BlobResourceContents(uri=params.uri, mime_type=found.media_type, blob=blob)
        return ReadResourceResult(contents=[contents])

    async def _tried(self, work: Any) -> Any:
        try:
            return await self._asking.work(work)
        except OcrError as error:
            code = INVALID_PARAMS if error.status < 500 else INTERNAL_ERROR
            raise MCPError(code, _told(error), {"code": error.code}) from None
        except Exception:
            log.exception("a resource failed unexpectedly")
            raise MCPError(INTERNAL_ERROR, "The server failed on this; its log has the details.") from None


def _checked(tool: tools.Tool, arguments: dict[str, Any]) -> Any:
    try:
        return tool.arguments.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadOption(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from None


def _failed(error: OcrError) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=_told(error))], is_error=True)


def _told(error: OcrError) -> str:
    again = "" if error.retry_after is None else f", try again after {error.retry_after} s"
    return f"{error.title}. {error.detail} (code: {error.code}{again})"


@asynccontextmanager
async def _progress(report: Callable[[float, float, str], Awaitable[None]]) -> AsyncIterator[tools.Told]:
    """Told of pages, it reports them, and only the newest to who is slow to listen."""
    done = of = 0
    is_over = False
    changed = asyncio.Event()

    def told(pages: int, among: int) -> None:
        nonlocal done, of
        done, of = pages, among
        changed.set()

    async def tell() -> None:
        reported = 0
        while reported < done or not is_over:
            await changed.wait()
            changed.clear()
            if reported < done:
                reported = done
                await report(done, of, f"{done} of {of} pages are read")

    telling = asyncio.create_task(tell())
    try:
        yield told
        is_over = True
        changed.set()
        await telling
    finally:
        telling.cancel()
