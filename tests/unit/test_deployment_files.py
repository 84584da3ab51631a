"""Compose files, Kubernetes manifests and the guide to Cloud.ru, held to what the server really is."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute

from server import catalog, errors, serving, settings
from server.child import _CLOSE_S
from server.engines.gpu_fit import Gpu, Wheel, mismatch
from server.routes import (
    batch,
    debug,
    docs,
    files,
    health,
    job_pages,
    jobs,
    layout_parsing,
    mcp,
    models,
    ocr,
    openai,
    s3,
    service,
    web,
)
from server.settings import MIB, Settings, SettingsError
from tests.unit.fakes import settings_of
from tests.unit.measured import families

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
KUBERNETES = DOCKER / "kubernetes"
GUIDES = (DOCKER / "CLOUDRU.md", DOCKER / "CLOUDRU.ru.md")
COMPOSE = (DOCKER / "compose.cpu.yaml", DOCKER / "compose.gpu.yaml")
DEPLOYMENTS = (KUBERNETES / "cpu/deployment.yaml", KUBERNETES / "gpu/deployment.yaml")
DEFAULTS = {name.upper(): field.default for name, field in Settings.model_fields.items()}
NOT_THE_SERVERS = {"OCR_URL", "OCR_TOKEN", "KEY_ID", "KEY_SECRET", "RUN_ARGS"}  # what the guide's own commands use
ROUTERS = (
    health,
    web,
    service,
    models,
    ocr,
    batch,
    jobs,
    job_pages,
    openai,
    layout_parsing,
    files,
    mcp,
    s3,
    debug,
    docs,
)

each_compose = pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
each_deployment = pytest.mark.parametrize("path", DEPLOYMENTS, ids=lambda path: path.parent.name)
each_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)


def one(path: Path) -> Any:
    """The only document of a YAML file."""
    return yaml.safe_load(path.read_text("utf-8"))


def server_of(path: Path) -> dict[str, Any]:
    """The server in a compose file."""
    (found,) = one(path)["services"].values()
    return found


def pod_of(path: Path) -> dict[str, Any]:
    """The pod of a deployment."""
    return one(path)["spec"]["template"]["spec"]


def container_of(path: Path) -> dict[str, Any]:
    """The only container of a deployment."""
    (found,) = pod_of(path)["containers"]
    return found


def environment_of(path: Path) -> dict[str, str]:
    """The variables that a compose file or a deployment sets."""
    if path in COMPOSE:
        return server_of(path)["environment"]
    return {variable["name"]: variable["value"] for variable in container_of(path)["env"]}


def bytes_of(quantity: str) -> int:
    """`8g`, `8Gi` → bytes."""
    number, unit = re.fullmatch(r"(\d+)([mg])i?", quantity.lower()).groups()
    return int(number) * (MIB if unit == "m" else 1024 * MIB)


def paths_of(module: Any) -> set[str]:
    """The addresses of a module of routes."""
    return {route.path for route in module.router.routes if isinstance(route, APIRoute)}


def seconds_to_stop() -> float:
    """What the server may take to end: its grace time, then its connections, then its workers."""
    return DEFAULTS["SHUTDOWN_GRACE_S"] + serving._CLOSE_CONNECTIONS_S + _CLOSE_S


def gauges() -> set[str]:
    """The names under which Prometheus sees values that go up and down."""
    return {name for name, family in families().items() if family.type == "gauge"}


def written(folder: Path) -> Iterator[Path]:
    """What a person wrote there: YAML and Markdown."""
    yield from folder.rglob("*.yaml")
    yield from folder.rglob("*.md")


# --- all files


@pytest.mark.parametrize("path", sorted(written(DOCKER)), ids=lambda path: path.relative_to(DOCKER).as_posix())
def test_every_variable_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"(?<![\w$/])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w)", path.read_text("utf-8")))

    assert named - NOT_THE_SERVERS <= settings.variables().keys()


@pytest.mark.parametrize("path", (*COMPOSE, *DEPLOYMENTS), ids=lambda path: path.relative_to(DOCKER).as_posix())
def test_the_server_starts_with_the_variables_that_are_set(path: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a-token\n")

    found = settings_of({**environment_of(path), "API_TOKENS_FILE": str(tmp_path / "tokens")})

    assert environment_of(path).keys() <= settings.variables().keys()
    assert {found.default_model, *found.models, *found.preloaded} <= catalog.read().keys()


# --- compose


@each_compose
def test_compose_publishes_the_servers_port_to_this_machine_only(path: Path) -> None:
    assert server_of(path)["ports"] == [f"127.0.0.1:{DEFAULTS['PORT']}:{DEFAULTS['PORT']}"]


@each_compose
def test_compose_gives_the_server_no_more_than_it_needs(path: Path) -> None:
    server = server_of(path)

    assert server["read_only"] is True
    assert server["cap_drop"] == ["ALL"]
    assert server["security_opt"] == ["no-new-privileges:true"]
    assert int(server["user"].partition(":")[0]) > 0


@each_compose
def test_compose_has_room_in_memory_for_what_the_server_writes(path: Path) -> None:
    server = server_of(path)
    (mount,) = server["tmpfs"]
    folder, _, options = mount.partition(":")
    size = bytes_of(dict(option.partition("=")[::2] for option in options.split(","))["size"])

    assert DEFAULTS["DATA_DIR"].is_relative_to(folder)
    assert size >= 8 * DEFAULTS["MAX_UPLOAD_MB"] * MIB
    assert "mode=1777" in options.split(",")
    assert ("exec" in options.split(",")) is ("gpu" in path.name)  # compiled kernels are loaded from there
    assert size < bytes_of(server["mem_limit"])


@each_compose
def test_compose_waits_for_the_server_to_end(path: Path) -> None:
    assert int(server_of(path)["stop_grace_period"].removesuffix("s")) > seconds_to_stop()


@each_compose
def test_compose_hands_the_tokens_over_in_a_file_that_git_ignores(path: Path) -> None:
    ((name, secret),) = one(path)["secrets"].items()

    assert server_of(path)["secrets"] == [name]
    assert environment_of(path)["API_TOKENS_FILE"] == f"/run/secrets/{name}"
    assert f"/docker/{Path(secret['file']).name}" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_compose_reserves_a_gpu_for_the_image_of_gpus_only() -> None:
    cpu, gpu = map(server_of, COMPOSE)

    assert (cpu["image"], gpu["image"]) == ("offline-ocr:cpu", "offline-ocr:gpu")
    assert "deploy" not in cpu
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}


# --- Kubernetes


def test_every_manifest_is_part_of_something_that_can_be_applied() -> None:
    listed = {KUBERNETES / "secret.example.yaml"}
    for path in KUBERNETES.glob("*/kustomization.yaml"):
        listed.add(path)
        for resource in one(path)["resources"]:
            target = (path.parent / resource).resolve()
            assert target.exists()
            listed.add(target)

    assert set(KUBERNETES.rglob("*.yaml")) == {path for path in listed if path.is_file()}


@each_deployment
def test_a_pod_listens_where_the_server_does(path: Path) -> None:
    assert container_of(path)["ports"] == [{"name": "http", "containerPort": DEFAULTS["PORT"]}]


@each_deployment
def test_a_pod_may_do_no_more_than_it_needs(path: Path) -> None:
    pod, container = pod_of(path), container_of(path)

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@each_deployment
def test_a_pod_has_room_in_memory_for_what_the_server_writes(path: Path) -> None:
    mounts = {mount["name"]: mount["mountPath"] for mount in container_of(path)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod_of(path)["volumes"]}
    folder = volumes["tmp"]["emptyDir"]
    size = bytes_of(folder["sizeLimit"])
    limit = bytes_of(container_of(path)["resources"]["limits"]["memory"])
    worker = int(environment_of(path).get("WORKER_MAX_RSS_MB", DEFAULTS["WORKER_MAX_RSS_MB"])) * MIB

    assert mounts["tmp"] == "/tmp"
    assert DEFAULTS["DATA_DIR"].is_relative_to(mounts["tmp"])
    assert folder["medium"] == "Memory"
    assert size >= 8 * DEFAULTS["MAX_UPLOAD_MB"] * MIB
    assert size + worker < limit


@each_deployment
def test_a_server_that_loads_is_not_ready_but_never_killed(path: Path) -> None:
    container = container_of(path)
    startup, alive, ready = (container[f"{name}Probe"] for name in ("startup", "liveness", "readiness"))

    assert startup["httpGet"] == alive["httpGet"] == {"path": "/health/live", "port": "http"}
    assert ready["httpGet"] == {"path": "/health/ready", "port": "http"}
    assert {probe["httpGet"]["path"] for probe in (startup, alive, ready)} <= paths_of(health)
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 60
    assert alive["periodSeconds"] * alive["failureThreshold"] >= 60


@each_deployment
def test_a_pod_is_given_the_time_that_the_server_takes_to_end(path: Path) -> None:
    before = container_of(path)["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert pod_of(path)["terminationGracePeriodSeconds"] > before + seconds_to_stop()


@each_deployment
def test_a_pod_finds_its_tokens(path: Path, tmp_path: Path) -> None:
    secret = one(KUBERNETES / "secret.example.yaml")
    (volume,) = (volume["secret"] for volume in pod_of(path)["volumes"] if "secret" in volume)
    (item,) = volume["items"]
    (folder,) = (mount["mountPath"] for mount in container_of(path)["volumeMounts"] if mount["name"] == "tokens")
    (tmp_path / "tokens").write_text(secret["stringData"][item["key"]])

    assert volume["secretName"] == secret["metadata"]["name"]
    assert environment_of(path)["API_TOKENS_FILE"] == f"{folder}/{item['path']}"
    tokens = settings_of({"API_TOKENS_FILE": str(tmp_path / "tokens")}).tokens()
    assert secret["stringData"]["metrics-token"] in tokens
    assert len(tokens) == 2


@each_deployment
def test_labels_select_the_pods_of_the_deployment(path: Path) -> None:
    labels = one(path)["spec"]["template"]["metadata"]["labels"]
    monitor = one(KUBERNETES / "autoscaling/pod-monitor.yaml")["spec"]

    assert one(path)["spec"]["selector"]["matchLabels"] == labels
    assert one(KUBERNETES / "common/service.yaml")["spec"]["selector"] == labels
    assert one(KUBERNETES / "common/network-policy.yaml")["spec"]["podSelector"]["matchLabels"] == labels
    assert one(KUBERNETES / "cpu/disruption-budget.yaml")["spec"]["selector"]["matchLabels"] == labels
    assert monitor["selector"]["matchLabels"] == labels


def test_only_the_gpu_deployment_takes_a_gpu() -> None:
    limits = [container_of(path)["resources"]["limits"] for path in DEPLOYMENTS]

    assert ["nvidia.com/gpu" in limit for limit in limits] == [False, True]
    assert limits[1]["nvidia.com/gpu"] == 1


@pytest.mark.parametrize("path", [*DEPLOYMENTS, *COMPOSE], ids=str)
def test_the_model_is_the_images_own_choice(path: Path) -> None:
    """It names what it was built with; another name here would stop the start."""
    assert not {"MODELS", "DEFAULT_MODEL", "PRELOAD"} & environment_of(path).keys()


def test_the_service_leads_to_the_servers_port() -> None:
    assert one(KUBERNETES / "common/service.yaml")["spec"]["ports"] == [
        {"name": "http", "port": DEFAULTS["PORT"], "targetPort": "http"}
    ]


def test_nothing_goes_out_and_only_the_servers_port_is_open() -> None:
    policy = one(KUBERNETES / "common/network-policy.yaml")["spec"]

    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert policy["egress"] == []
    assert [rule["ports"] for rule in policy["ingress"]] == [[{"port": "http", "protocol": "TCP"}]]


def test_a_disruption_leaves_a_pod_and_never_blocks_a_node() -> None:
    budget = one(KUBERNETES / "cpu/disruption-budget.yaml")["spec"]["minAvailable"]

    assert 1 <= budget < one(DEPLOYMENTS[0])["spec"]["replicas"]


def test_replicas_follow_a_metric_that_the_server_has() -> None:
    scaled = one(KUBERNETES / "autoscaling/scaled-object.yaml")["spec"]
    (trigger,) = scaled["triggers"]
    query = trigger["metadata"]["query"]

    assert re.fullmatch(r"sum\((\w+)\{.*\}\)", query)[1] in gauges()
    assert f'container="{container_of(DEPLOYMENTS[0])["name"]}"' in query
    assert 0 < int(trigger["metadata"]["threshold"]) < DEFAULTS["QUEUE_MAX_PAGES"] / 2
    assert scaled["minReplicaCount"] >= 1
    assert {one(path)["metadata"]["name"] for path in DEPLOYMENTS} == {scaled["scaleTargetRef"]["name"]}


def test_the_monitor_asks_where_the_metrics_are_with_a_token() -> None:
    (endpoint,) = one(KUBERNETES / "autoscaling/pod-monitor.yaml")["spec"]["podMetricsEndpoints"]
    secret = one(KUBERNETES / "secret.example.yaml")
    credentials = endpoint["authorization"]["credentials"]

    assert endpoint["path"] in paths_of(service)
    assert endpoint["port"] == container_of(DEPLOYMENTS[0])["ports"][0]["name"]
    assert credentials["name"] == secret["metadata"]["name"]
    assert credentials["key"] in secret["stringData"]


# --- the guide to Cloud.ru


def blocks(guide: Path) -> list[str]:
    """The blocks of code, with their language."""
    return re.findall(r"^```(\w+\n.*?)^```$", guide.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def prose(guide: Path) -> str:
    """All but the blocks of code."""
    return re.sub(r"^```\w+\n.*?^```$", "", guide.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def tables(guide: Path) -> list[list[list[str]]]:
    """The cells of every table, row by row."""
    found = re.findall(r"(?:^\|.*\|\n)+", prose(guide), re.MULTILINE)
    return [[[cell.strip() for cell in row[1:-1].split(" | ")] for row in table.splitlines()] for table in found]


def quoted(guide: Path) -> list[str]:
    """What stands in backticks outside the blocks."""
    return re.findall(r"`([^`\n]+)`", prose(guide))


def test_both_languages_have_the_same_parts() -> None:
    english, russian = (
        [re.match("#+", line)[0] for line in prose(guide).splitlines() if line[:1] == "#"] for guide in GUIDES
    )

    assert english == russian
    assert len(english) == 13
    assert blocks(GUIDES[0]) == blocks(GUIDES[1])
    assert len(blocks(GUIDES[0])) == 6


def test_both_languages_have_the_same_tables() -> None:
    english, russian = map(tables, GUIDES)

    assert [[len(row) for row in table] for table in english] == [[len(row) for row in table] for table in russian]
    assert len(english) == 7
    for one_row, other_row in zip(chain(*english), chain(*russian), strict=True):
        assert re.findall("`[^`]+`", " ".join(one_row)) == re.findall("`[^`]+`", " ".join(other_row))


def test_both_languages_have_the_same_steps() -> None:
    english, russian = (re.findall(r"^(\d+\.|-) ", prose(guide), re.MULTILINE) for guide in GUIDES)

    assert english == russian


@each_guide
def test_the_guides_probes_are_those_of_the_manifests(guide: Path) -> None:
    container = container_of(DEPLOYMENTS[1])
    table = next(table for table in tables(guide) if len(table[0]) == 5)
    expected = []
    for name in ("startup", "liveness", "readiness"):
        probe = container[f"{name}Probe"]
        numbers = [str(probe[key]) for key in ("periodSeconds", "timeoutSeconds", "failureThreshold")]
        expected.append([f"`{probe['httpGet']['path']}`", *numbers])

    assert [row[1:] for row in table[2:]] == expected


@each_guide
def test_the_guides_errors_exist_with_their_status(guide: Path) -> None:
    failures = tables(guide)[-2]
    named = {
        (int(status), code)
        for row in failures
        if (status := row[0][:3]).isdigit()
        for code in re.findall("`([a-z_]+)`", row[0])
        if code != "code"
    }

    assert len(named) >= 12
    assert named <= {(error.status.value, code) for code, error in errors.BY_CODE.items()}


def test_the_server_never_says_502() -> None:
    assert 502 not in {error.status.value for error in errors.BY_CODE.values()}


@each_guide
def test_the_guides_addresses_exist(guide: Path) -> None:
    known = set().union(*map(paths_of, ROUTERS))
    named = {word.removeprefix("GET ") for word in quoted(guide) if re.match(r"(GET )?/(?!tmp|opt)", word)}

    assert len(named) >= 8
    assert named <= known


@each_guide
def test_the_guides_port_is_the_servers(guide: Path) -> None:
    assert re.findall(r"`(\d{4,5})`", prose(guide)) == [str(DEFAULTS["PORT"])]


@each_guide
def test_the_guides_examples_of_variables_start_a_server(guide: Path) -> None:
    given = dict(word.split("=", 1) for word in quoted(guide) if re.match("[A-Z_]+=[^…]", word))
    given.pop("CUDA")

    found = settings_of({**given, "API_TOKENS": "a-token"})

    assert {"AUTH_MODE", "DEFAULT_MODEL", "PRELOAD", "MODELS"} <= given.keys()
    assert {found.default_model, *found.models, *found.preloaded} <= catalog.read().keys()


def what_the_server_says(home: Path) -> str:
    """Its sentences about what the guide's reader meets, one a line."""
    wheel = Wheel("PaddlePaddle", "3.3.1", (13, 0), [(9, 0)])
    said = [
        mismatch(wheel, None),
        mismatch(wheel, Gpu("NVIDIA A100", (8, 0), (580, 65))),
        mismatch(wheel, Gpu("NVIDIA H100", (9, 0), (550, 54))),
        catalog.read()["paddleocr-vl-1.6"].absence(home),
    ]
    with pytest.raises(SettingsError) as refused:
        settings_of({})
    said.append(f"offline-ocr: {refused.value}")
    said += [(ROOT / "server" / name).read_text("utf-8") for name in ("places.py", "model_host.py")]
    return "\n".join(map(str, said)).replace(str(home), "/opt/models")


@each_guide
def test_what_the_guide_quotes_of_the_server_is_what_it_says(guide: Path, tmp_path: Path) -> None:
    said = what_the_server_says(tmp_path)
    cells = [row[0] for row in tables(guide)[-2]]
    sentences = {word for cell in cells for word in re.findall("`([^`]+)`", cell) if " " in word}

    assert len(sentences) == 8
    for sentence in sentences:
        assert re.search(re.escape(sentence).replace("…", ".+"), said), sentence


@each_guide
def test_the_guides_metric_exists(guide: Path) -> None:
    assert {word for word in quoted(guide) if word.startswith("ocr_")} <= gauges()


@each_guide
def test_the_guides_program_is_python(guide: Path) -> None:
    (program,) = (block.removeprefix("python\n") for block in blocks(guide) if block.startswith("python\n"))

    compile(program, guide.name, "exec")


@each_guide
def test_the_guide_says_that_nothing_was_tried_there(guide: Path) -> None:
    words = {"CLOUDRU.md": "Nothing in this guide has been tried on Cloud.ru", "CLOUDRU.ru.md": "не опробовано"}

    assert words[guide.name] in prose(guide)
