"""Documents by URL, safe against server-side request forgery.

`outgoing` sees to it that every request goes to the public Internet; redirects get the same checks, one by one.
"""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx2

from server.addresses import DOCUMENT, INSTEAD, is_public, parse_url
from server.errors import UploadTooLarge, UrlFetchFailed
from server.outgoing import BROKEN_OFF, Allowed, NoConnectionError, Outgoing, Resolve, resolve_name

MAX_REDIRECTS = 5


async def fetch(  # noqa: PLR0913 - the last two are the seam for tests
    url: str,
    target: Path,
    *,
    max_bytes: int,
    timeout_s: float,
    resolve: Resolve = resolve_name,
    allowed: Allowed = is_public,
) -> None:
    """Saves the document at `url` as the new file `target`; after any failure there is no such file.

    `max_bytes` counts the document's bytes after decompression. `timeout_s`, in seconds, covers all of it: names,
    connections, redirects, the last byte. Raises `UrlNotAllowed` (address, scheme or spelling is refused, also in a
    redirect), `UrlFetchFailed` (not found, no connection, wrong certificate, too slow, status other than 200, more than
    `MAX_REDIRECTS` redirects), `UploadTooLarge`; `OSError` where `target` cannot be written or is there already.
    `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificate authorities than the system's.
    """
    try:
        async with asyncio.timeout(timeout_s):
            outgoing = await Outgoing.make(DOCUMENT, resolve, allowed)
            here = parse_url(url)
            for _ in range(MAX_REDIRECTS + 1):
                async with outgoing.request("GET", here) as response:
                    if not response.has_redirect_location:
                        await _save(response, target, max_bytes)
                        return
                    here = parse_url(response.headers["location"], base=here)
    except TimeoutError as error:
        raise UrlFetchFailed(f"The document at image_url did not arrive within {timeout_s:g} s. {INSTEAD}") from error
    except NoConnectionError as error:
        raise UrlFetchFailed(f"{error} {INSTEAD}") from error
    except BROKEN_OFF as error:
        raise UrlFetchFailed(f"The connection to the host of image_url broke off. Try again. {INSTEAD}") from error
    raise UrlFetchFailed(f"image_url redirects more than {MAX_REDIRECTS} times; give the address it ends at.")


async def _save(response: httpx2.Response, target: Path, max_bytes: int) -> None:
    if response.status_code != 200:
        raise UrlFetchFailed(
            f"The host of image_url answered with status {response.status_code}, not 200; "
            f"check that the address opens without a login. {INSTEAD}"
        )
    # Some stores send gzip unasked. Layers of it could keep the decoder busy without ever giving out a byte to count.
    if response.headers.get("content-encoding", "identity").lower() not in ("identity", "gzip", "deflate"):
        raise UrlFetchFailed(f"The host of image_url sends a compression that was not asked for. {INSTEAD}")
    too_large = UploadTooLarge(f"The document at image_url is larger than {max_bytes} bytes. Send a smaller one.")
    if int(response.headers.get("content-length", 0)) > max_bytes:
        raise too_large
    size = 0
    with _new_file(target) as out:
        async with aclosing(response.aiter_bytes()) as blocks:  # decompressed, 1 MiB at most each
            async for block in blocks:
                size += len(block)
                if size > max_bytes:
                    raise too_large
                await asyncio.to_thread(out.write, block)


@contextmanager
def _new_file(target: Path) -> Iterator[BinaryIO]:
    # Opened and removed here, not in a thread: a thread outlives its cancelled caller and could open after the removal.
    # The file is buffered, so that closing it waits for a write which is still under way.
    out = target.open("xb")
    try:
        with out:
            yield out
    except BaseException:
        target.unlink(missing_ok=True)
        raise
