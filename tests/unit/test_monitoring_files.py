"""Prometheus' configuration, the alerts and Grafana's dashboard, held to what the server really measures."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.routes import service
from server.settings import Settings
from tests.unit.measured import families

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker/monitoring"
COMPOSE = ROOT / "docker/compose.monitoring.yaml"
RULES_TEST = Path(__file__).with_name("alerts_test.yml")
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
DRAWN = [panel for panel in PANELS if panel["type"] != "row"]
[GROUP] = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
ALERTS: list[dict[str, Any]] = GROUP["rules"]
EXPRESSIONS = [*(target["expr"] for panel in DRAWN for target in panel["targets"]), *(rule["expr"] for rule in ALERTS)]
MOST_COLUMNS = 24  # of Grafana's grid

each_panel = pytest.mark.parametrize("panel", DRAWN, ids=lambda panel: panel["title"])
each_alert = pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])


def promtool(*arguments: str, cwd: Path = ROOT) -> str:
    """What promtool, of Debian's package prometheus, prints; it must find nothing wrong."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def samples() -> set[str]:
    """The names of all samples that the server gives, those of labels that have no value yet, too."""
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    found = {name + suffix for name, family in families().items() for suffix in suffixes[family.type]}
    return found | {"up", "ocr_gpu_memory_used_bytes", "ocr_gpu_memory_total_bytes"}  # Prometheus' own; with a GPU only


# --- what is asked for exists


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_exists(expression: str) -> None:
    bare = re.sub(r'"[^"]*"', '""', expression)
    asked = set(re.findall(r"\b(?:ocr|process)_\w+|\bup\b", bare))

    assert asked
    assert asked <= samples()
    labels = {"instance", "job", "le"} | {
        label for family in families().values() for sample in family.samples for label in sample.labels
    }
    labels |= {
        "how",
        "model",
        "route",
        "method",
        "status",
        "state",
        "stage",
        "code",
        "verdict",
        "kind",
        "version",
        "folder",
    }
    within = [name for braces in re.findall("{(.*?)}", bare) for name in re.findall(r"(\w+)(?:=~|!~|!=|=)", braces)]
    assert set(within) <= labels


def test_a_metric_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(AssertionError):
        test_every_metric_and_label_exists("rate(ocr_pages[5m])")


def test_states_verdicts_and_codes_that_are_named_exist() -> None:
    values = {
        (label, value)
        for family in families().values()
        for each in family.samples
        for label, value in each.labels.items()
    }
    known = {label: {value for name, value in values if name == label} for label, _ in values}
    for expression in EXPRESSIONS:
        for label, value in re.findall(r'(state|verdict|code)=~?"([^"]*)"', expression):
            assert set(value.split("|")) <= known[label], expression


# --- alerts


def test_prometheus_takes_the_rules_and_their_templates() -> None:
    assert f"SUCCESS: {len(ALERTS)} rules found" in promtool("check", "rules", str(FOLDER / "alerts.yml"))


def test_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", str(RULES_TEST))


@each_alert
def test_every_alert_is_seen_to_fire(rule: dict[str, Any]) -> None:
    assert f'alertname="{rule["alert"]}"' in RULES_TEST.read_text("utf-8")


def test_a_wrong_threshold_would_be_noticed(tmp_path: Path) -> None:
    rules = (FOLDER / "alerts.yml").read_text("utf-8").replace("> 0.9", "> 0.99")
    (tmp_path / "alerts.yml").write_text(rules)
    test = RULES_TEST.read_text("utf-8").replace("../../docker/monitoring/", "")
    (tmp_path / "test.yml").write_text(test)

    with pytest.raises(AssertionError, match="OcrQueueFull"):
        promtool("test", "rules", "test.yml", cwd=tmp_path)


@each_alert
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description"}
    assert "{{" in rule["annotations"]["summary"]
    assert rule["annotations"]["description"].endswith(".")
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", rule["annotations"]["description"]))
    assert named <= {name.upper() for name in Settings.model_fields}


# --- Prometheus' configuration


def test_prometheus_takes_the_configuration(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "token").write_text("a-token")

    assert "SUCCESS: 1 rule files found" in promtool("check", "config", str(tmp_path / "prometheus.yml"))


def test_prometheus_asks_the_server_with_a_token_that_git_ignores() -> None:
    [job] = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    [target] = [target for each in job["static_configs"] for target in each["targets"]]

    assert target == f"offline-ocr:{Settings.model_fields['port'].default}"
    assert job.get("metrics_path", "/metrics") in {route.path for route in service.router.routes}
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert f"/docker/monitoring/{job['authorization']['credentials_file']}" in ignored


def test_compose_brings_every_file_to_where_it_is_looked_for() -> None:
    given = yaml.safe_load(COMPOSE.read_text("utf-8"))
    mounts = [volume.split(":") for each in given["services"].values() for volume in each["volumes"]]
    files = {source: target for source, target, *_ in mounts if source.startswith("./")}

    assert {str((COMPOSE.parent / source).resolve()) for source in files} == {
        str(path) for path in FOLDER.iterdir()
    } - {str(FOLDER / "token")}
    configured = Path(files["./monitoring/prometheus.yml"])
    assert Path(files["./monitoring/alerts.yml"]) == configured.with_name("alerts.yml")
    [secret] = given["services"]["prometheus"]["secrets"]
    assert secret["target"] == str(configured.with_name("token"))
    assert given["secrets"] == {secret["source"]: {"file": "./monitoring/token"}}
    provider = yaml.safe_load(given["configs"]["grafana-dashboards"]["content"])["providers"][0]
    assert Path(provider["options"]["path"]) == Path(files["./monitoring/dashboard.json"]).parent
    for each in given["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in each["ports"])


# --- the dashboard


def test_panels_have_numbers_and_places_of_their_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= MOST_COLUMNS
        assert not cells & taken, panel["title"]
        taken |= cells


def test_rows_are_those_that_people_look_for() -> None:
    titles = [panel["title"] for panel in PANELS if panel["type"] == "row"]

    assert titles == ["Overview", "Queue", "Pages", "Stages", "Models and workers", "GPU", "Jobs", "HTTP and process"]


@each_panel
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_where_the_data_comes_from_is_chosen_in_the_dashboard() -> None:
    source, instance = DASHBOARD["templating"]["list"]
    chosen = {"type": "prometheus", "uid": "${" + source["name"] + "}"}

    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    assert instance["datasource"] == chosen
    for panel in DRAWN:
        assert panel["datasource"] == chosen
        for target in panel["targets"]:
            assert target["datasource"] == chosen
            assert f'instance=~"${instance["name"]}"' in target["expr"]


def test_grafana_10_can_read_it() -> None:
    assert DASHBOARD["schemaVersion"] == 38  # Grafana 10.0's; newer ones migrate it
    assert DASHBOARD["uid"] == "offline-ocr"
    assert "id" not in DASHBOARD  # the database's, which it gets when it is imported
    assert {panel["type"] for panel in DRAWN} <= {"timeseries", "stat"}
