"""docker/, read as Docker, Prometheus and Grafana would: nothing is built, since no Docker runs where the tests do."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
ROUTES = ROOT / "lomit_tf" / "serving" / "routes.py"
DOCKERFILES = ("Dockerfile", "Dockerfile.tensorflow_serving")
MADE = "build/exported/saved_model"  # `python -m export --out=build/exported` writes it
# Of tensorflow_model_server (tensorflow_serving/model_servers/main.cc).
SERVING_FLAGS = {"enable_batching", "batching_parameters_file", "monitoring_config_file", "rest_api_timeout_in_ms"}
WORDS = {"sum", "rate", "by", "le", "histogram_quantile", "up"}


def read(name: str) -> str:
    return (DOCKER / name).read_text(encoding="utf-8")


def instructions(name: str) -> list[tuple[str, str]]:
    """A Dockerfile's (instruction, arguments), without comments, with continued lines joined."""
    lines = [line for line in read(name).splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined)]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(read("compose.yaml"))
    return loaded


@pytest.fixture(scope="module")
def metrics() -> dict[str, set[str]]:
    """Names of all metrics as Prometheus sees them, with their labels."""
    pytest.importorskip("prometheus_client", reason="prometheus_client is not installed (extra serve)")
    from lomit_tf.serving.metrics import Metrics

    served = Metrics()
    found: dict[str, set[str]] = {}
    for metric in vars(served).values():
        if hasattr(metric, "_labelnames"):
            kinds = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}[metric._type]
            found |= {metric._name + suffix: {*metric._labelnames, "le"} for suffix in kinds}
    watched = re.findall(r'metrics\.watch\(\s*"(\w+)"', ROUTES.read_text(encoding="utf-8"))
    assert len(watched) == 4
    process = {sample.name: set() for family in served.registry.collect() for sample in family.samples}
    return process | {name: set() for name in watched} | found


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_a_dockerfile_copies_is_there(name):
    ignored = [line for line in read(f"{name}.dockerignore").splitlines() if line and not line.startswith("#")]
    assert ignored[0] == "*"
    kept = {line[1:] for line in ignored if line.startswith("!")}
    steps = instructions(name)
    assert steps[0][0] == "FROM"
    assert all(word.isupper() for word, _ in steps)
    for word, rest in steps:
        if word == "FROM":
            image = rest.split()[0]
            assert re.fullmatch(r"[\w./-]+:\d[\w.-]*", image), f"{image} is not pinned"
        if word == "COPY" and "--from=" not in rest:
            for source in shlex.split(rest)[:-1]:
                assert source == MADE or (ROOT / source).exists(), source
                assert any(source == one or source.startswith(f"{one}/") for one in kept), f"{source} is ignored"


def test_the_export_writes_what_is_copied():
    text = (ROOT / "export/exporting.py").read_text(encoding="utf-8")
    assert 'folder / "saved_model"' in text
    assert "--formats=savedmodel --out=build/exported" in read("Dockerfile.tensorflow_serving")


def test_the_image_has_the_server_and_a_python_that_is_tested():
    steps = instructions("Dockerfile")
    base = next(rest for word, rest in steps if word == "FROM")
    assert re.match(r"python:3\.1[123]-", base)
    install = next(rest for word, rest in steps if word == "RUN" and "pip install" in rest)
    assert "--constraint constraints.txt" in install and '".[serve]"' in install
    assert "HEALTHCHECK" in {word for word, _ in steps}
    probe = next(rest for word, rest in steps if word == "HEALTHCHECK")
    path = re.search(r"127\.0\.0\.1:8501(/\w+)", probe)
    assert path and f'Route("{path[1]}"' in ROUTES.read_text(encoding="utf-8")
    assert next(rest for word, rest in steps if word == "USER") != "root"


def test_every_flag_exists(compose):
    from lomit_tf import zoo
    from lomit_tf.commands.serve_flags import FLAGS

    steps = dict(instructions("Dockerfile"))
    entry, command = (json.loads(steps[word]) for word in ("ENTRYPOINT", "CMD"))
    assert entry[0] == "lomit-serve"
    for arguments in (command, compose["services"]["lomit"]["command"]):
        flags = FLAGS.parse([*entry[1:], *arguments])
        assert flags.model in zoo.names()
        assert (flags.host, flags.port) == ("0.0.0.0", 8501)
    grace = int(compose["services"]["lomit"]["stop_grace_period"].removesuffix("s"))
    assert grace > flags.grace_seconds
    serving = json.loads(dict(instructions("Dockerfile.tensorflow_serving"))["CMD"])
    assert {flag.partition("=")[0].removeprefix("--") for flag in serving} == SERVING_FLAGS


def test_tensorflow_serving_is_configured_as_documented():
    documented = (ROOT / "docs/tensorflow_serving.md").read_text(encoding="utf-8")
    assert read("tensorflow_serving/batching.config") in documented
    fields = dict(re.findall(r"(\w+): (\S+)", read("tensorflow_serving/monitoring.config")))
    assert fields == {"enable": "true", "path": '"/monitoring/prometheus/metrics"'}


def test_compose_opens_nothing_to_others_and_mounts_what_is_there(compose):
    for name, service in compose["services"].items():
        assert re.search(r":v?\d", service["image"]) or "build" in service, f"{name}: not pinned"
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port
        if "build" in service:
            assert (DOCKER / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DOCKER / source).is_dir(), volume
        for other in service.get("depends_on", []):
            assert other in compose["services"]


def test_prometheus_asks_services_for_paths_that_they_have(compose):
    config = yaml.safe_load(read("prometheus/prometheus.yaml"))
    for name in config["rule_files"]:
        assert (DOCKER / "prometheus" / name).is_file()
    for job in config["scrape_configs"]:
        (target,) = job["static_configs"][0]["targets"]
        service, _, port = target.partition(":")
        assert service == job["job_name"] and service in compose["services"]
        assert any(published.endswith(f":{port}") for published in compose["services"][service]["ports"])
    paths = {job["job_name"]: job["metrics_path"] for job in config["scrape_configs"]}
    assert f'Route("{paths["lomit"]}"' in ROUTES.read_text(encoding="utf-8")
    assert f'path: "{paths["tensorflow_serving"]}"' in read("tensorflow_serving/monitoring.config")
    mounted = [volume.split(":")[1] for volume in compose["services"]["prometheus"]["volumes"]]
    flag = compose["services"]["prometheus"]["command"][0]
    assert any(flag.startswith(f"--config.file={folder}/") for folder in mounted)


def test_grafana_finds_its_board_and_its_source(compose):
    source = yaml.safe_load(read("grafana/provisioning/datasources/prometheus.yaml"))["datasources"][0]
    assert source["url"] == "http://prometheus:9090" and "prometheus" in compose["services"]
    mounts = dict(volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"])
    provider = yaml.safe_load(read("grafana/provisioning/dashboards/lomit.yaml"))["providers"][0]
    assert mounts["./grafana/dashboards"] == provider["options"]["path"]
    home = compose["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.removeprefix(f"{provider['options']['path']}/") == "lomit.json"
    board = json.loads(read("grafana/dashboards/lomit.json"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) >= 10
    for panel in board["panels"]:
        assert panel["title"] and panel["targets"]
        assert all(target["datasource"]["uid"] == source["uid"] for target in panel["targets"])


def expressions() -> list[str]:
    """All of PromQL that is written here."""
    board = json.loads(read("grafana/dashboards/lomit.json"))
    rules = yaml.safe_load(read("prometheus/alerts.yaml"))["groups"]
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]] + [
        rule["expr"] for group in rules for rule in group["rules"]
    ]


def test_every_metric_and_label_exists_in_the_server(metrics):
    used: set[str] = set()
    for expression in expressions():
        plain = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expression)
        selectors = re.findall(r"(\w+)\{([^}]*)\}", plain)
        names = set(re.findall(r"\b[a-z]\w*\b", re.sub(r"\{[^}]*\}|by \([^)]*\)", "", plain))) - WORDS
        assert names <= metrics.keys(), f"{expression}: {sorted(names - metrics.keys())}"
        labels = {label for one in re.findall(r"by \(([^)]*)\)", plain) for label in re.split(r",\s*", one)}
        labels |= {label for _, one in selectors for label in re.findall(r"(\w+)\s*[=!]", one)}
        known = set().union(*(metrics[name] for name in names)) | {"job"}
        assert labels <= known, f"{expression}: {sorted(labels - known)}"
        used |= names
    ours = {name for name in metrics if name.startswith("lomit_") and not name.endswith("_created")}
    unseen = ours - used - {"lomit_request_seconds_sum", "lomit_request_seconds_count", "lomit_batch_size_bucket",
                            "lomit_batch_seconds_sum", "lomit_batch_seconds_count"}  # fmt: skip
    assert not unseen, "the board shows every metric of the server"
