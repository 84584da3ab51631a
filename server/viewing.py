"""Pages as pictures for people to look at: a few at once, beside whatever waits to be read."""

import asyncio
from pathlib import Path

from server.errors import InternalError, NotFound
from server.pages import PagePool
from server.spool import Spool, room

_AT_ONCE = 2  # each takes a child, a core and the memory of a page for a moment


class Viewing:
    """Makes the pictures. Used from one event loop."""

    def __init__(self, pool: PagePool, spool: Spool) -> None:
        self._pool = pool
        self._spool = spool
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def picture(self, document: Path, number: int, width: int | None, dpi: int) -> bytes:
        """Page `number`, counted from 1, as WebP, `width` px wide or as large as it is read at `dpi`; never larger.

        Raises NotFound where there is no such page, and as `Reader.open` and `Reader.show` do.
        """
        try:
            async with self._turns:
                return await self._made(document, number, width, dpi)
        except InternalError:
            if await asyncio.to_thread(document.exists):
                raise
            raise NotFound("The document was removed just now.") from None

    async def _made(self, document: Path, number: int, width: int | None, dpi: int) -> bytes:
        with room(), self._spool.request() as folder:
            target = folder / "page.webp"
            async with self._pool.reader(folder) as reader:
                opened = await reader.open(document, dpi)
                if not 1 <= number <= opened.total_pages:
                    raise NotFound(f"There is no page {number}; the document has {opened.total_pages}.")
                await reader.show(number, width, target)
            return await asyncio.to_thread(target.read_bytes)
