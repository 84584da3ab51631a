"""What Prometheus sees of a server that has been made and not started."""

import tempfile
from functools import cache

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from server.services import Services
from server.states import ModelState
from server.telemetry import RecentLines
from tests.unit.fakes import settings_of


@cache
def families() -> dict[str, Metric]:
    """All families, by name."""
    with tempfile.TemporaryDirectory() as folder:
        services = Services.make(settings_of({"AUTH_MODE": "platform", "DATA_DIR": folder}), RecentLines())
        try:
            services.jobs.runner.took_over.set()
            services.metrics.model("pp-ocr", ModelState.IDLE)
            text = services.metrics.text().decode()
        finally:
            services.database.close()
            services.spool.close()
    return {family.name: family for family in text_string_to_metric_families(text)}
