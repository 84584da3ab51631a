"""The last step of every document: the reply, the further forms that were asked for, and what is saved where."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.metrics import Metrics
from server.reply import KIND_OF, Finished, Reply, as_text, build, render_all
from server.results import KINDS, ResultStore, new_stem
from server.s3 import ObjectStore
from server.schemas import Format, S3Files


def complete(finished: Finished) -> tuple[Reply, dict[str, bytes]]:
    """The reply, and the files to be saved, by kind; none unless `save` was asked. Takes seconds for thousands of pages."""
    reply = build(finished)
    wanted = finished.options.formats
    saved = (Format.MARKDOWN, Format.JSON, *wanted) if finished.options.save else ()
    contents = render_all(finished, reply, (*wanted, *saved))
    if wanted:
        reply.outputs = {each: as_text(each, contents[each]) for each in dict.fromkeys(wanted)}
    return reply, {KIND_OF[each]: contents[each] for each in saved}


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps results: in files, and in S3 where that is set up. Its methods wait: call them in a thread."""

    results: ResultStore
    s3: ObjectStore
    metrics: Metrics

    def finish(self, finished: Finished, owner: str) -> Reply:
        """The reply, everything saved that was asked for."""
        reply, files = complete(finished)
        if files:
            try:
                reply.local_files = self.results.save(owner, finished.filename, files)
            except OSError as error:  # the result itself is there: the caller gets it, and is told
                reply.local_files = {"error": f"The result could not be saved: {error.strerror}."}
            if self.s3.enabled:
                reply.s3_files = self._upload(owner, _names(reply.local_files, files, finished.filename), files)
        return reply

    def upload_saved(self, owner: str, local_files: Mapping[str, str]) -> S3Files:
        """Upload what was saved before. Raises NotFound when its time is over."""
        names = {kind: Path(address).name for kind, address in local_files.items()}
        files = {kind: self.results.find(owner, kind, name).path.read_bytes() for kind, name in names.items()}
        return self._upload(owner, names, files)

    def _upload(self, owner: str, names: Mapping[str, str], files: Mapping[str, bytes]) -> S3Files:
        uploaded = self.s3.upload(owner, names, files)
        self.metrics.s3_uploads.labels(uploaded.status).inc()
        return uploaded


def _names(local_files: Mapping[str, str], files: Mapping[str, bytes], filename: str | None) -> dict[str, str]:
    stem = new_stem(filename)  # for where the local files could not be written
    return {kind: Path(local_files.get(kind, stem + KINDS[kind][0])).name for kind in files}
