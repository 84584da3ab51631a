"""What Prometheus is told that nobody counts: it is looked up when it is asked for."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from server.admission import Admission
from server.errors import OcrError
from server.gpu import GpuMemory
from server.jobs.job import JobState
from server.jobs.store import JobStore
from server.states import ModelState
from server.supervisor import Supervisor


@dataclass(frozen=True, eq=False)
class Gauges(Collector):
    """Queue, workers, GPU, jobs and disks as they are. What cannot be had at the moment is left out.

    Of servers that share a folder of jobs, the one that `runs_jobs` tells of them. `folders` are those that the server
    writes to, by what they are for. Used from a thread: it may wait for the disk.
    """

    admission: Admission
    supervisor: Supervisor
    gpu_memory: GpuMemory
    jobs: JobStore
    runs_jobs: Callable[[], bool]
    folders: Mapping[str, Path]

    def collect(self) -> Iterator[Metric]:
        """Everything, now."""
        yield from self._queue()
        yield from self._workers()
        yield from self._gpu()
        yield from self._disks()
        if self.runs_jobs():
            with suppress(OcrError, sqlite3.Error, OSError):
                yield from self._jobs()

    def _queue(self) -> Iterator[Metric]:
        queue = self.admission
        yield _gauge("ocr_queue_pages", "Pages waiting or in work, jobs apart", queue.pages)
        yield _gauge("ocr_queue_max_pages", "QUEUE_MAX_PAGES", queue.max_pages)
        yield _gauge("ocr_queue_bytes", "Bytes of uploads waiting or in work, jobs apart", queue.bytes)
        yield _gauge("ocr_queue_max_bytes", "So many bytes of uploads are taken at once", queue.max_bytes)

    def _workers(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "ocr_model_pages_waiting", "Pages in a model's line, those of jobs too", labels=["model"]
        )
        in_work = GaugeMetricFamily("ocr_model_pages_in_work", "Pages that a model is at work on", labels=["model"])
        memory = GaugeMetricFamily(
            "ocr_worker_resident_memory_bytes",
            "Memory of a model's worker, a vLLM server beside it apart",
            labels=["model"],
        )
        restarts = CounterMetricFamily("ocr_worker_restarts", "Workers replaced because they died", labels=["model"])
        for name, host in self.supervisor.hosts.items():
            if host.state is ModelState.ABSENT:
                continue
            restarts.add_metric([name], host.restarts)
            waiting.add_metric([name], host.pages_waiting)
            in_work.add_metric([name], host.pages_in_work)
            if worker := host.worker:
                memory.add_metric([name], worker.rss_bytes())
        yield from (waiting, in_work, memory, restarts)

    def _gpu(self) -> Iterator[Metric]:
        if memory := self.gpu_memory():
            used, total = memory
            yield _gauge("ocr_gpu_memory_used_bytes", "Memory of the first GPU in use, by whatever process", used)
            yield _gauge("ocr_gpu_memory_total_bytes", "All memory of the first GPU", total)

    def _disks(self) -> Iterator[Metric]:
        free = GaugeMetricFamily("ocr_disk_free_bytes", "Free bytes of the disk that a folder is on", labels=["folder"])
        size = GaugeMetricFamily("ocr_disk_size_bytes", "All bytes of the disk that a folder is on", labels=["folder"])
        for name, folder in self.folders.items():
            with suppress(OSError):
                disk = shutil.disk_usage(folder)
                free.add_metric([name], disk.free)
                size.add_metric([name], disk.total)
        yield from (free, size)

    def _jobs(self) -> Iterator[Metric]:
        states, pages_left = self.jobs.count()
        jobs = GaugeMetricFamily("ocr_jobs", "Jobs that are on this server's disk, by their state", labels=["state"])
        for state in JobState:
            jobs.add_metric([state.value], states.get(state, 0))
        yield jobs
        yield _gauge(
            "ocr_job_pages_left", "Pages that unfinished jobs still wait for, so far as they are known", pages_left
        )


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value)
