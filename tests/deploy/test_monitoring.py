"""The dashboard and the alert rules speak of metrics that there are, and of all of them."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dripline.metrics import REGISTRY

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/dripline.json").read_text())
ALERTS = DEPLOY / "prometheus/alerts.yml"
_OURS = re.compile(r"\b(?:dripline|marketing|process)_[a-z0-9_]+")
_TEXT = re.compile(r"\"[^\"]*\"")
_PARTS = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def known() -> dict[str, str]:
    """Return what Prometheus may ask for, and the metric it is of."""
    return {
        family.name + part: family.name
        for family in REGISTRY.collect()
        for part in _PARTS.get(family.type, ("",))
    }


def named(expressions: list[str]) -> set[str]:
    """Return the names of metrics in some expressions."""
    return {name for one in expressions for name in _OURS.findall(_TEXT.sub('""', one))}


def shown() -> list[str]:
    """Return the expressions of the dashboard."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]


def alerting() -> list[str]:
    """Return the expressions of the alert rules."""
    rules = yaml.safe_load(ALERTS.read_text())
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def test_every_metric_named_there_exists() -> None:
    assert named(shown()) | named(alerting()) <= set(known())


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    ours = {name for name in known().values() if name.startswith(("dripline_", "marketing_"))}
    on_it = {known()[name] for name in named(shown())}
    assert ours <= on_it, "add a panel to deploy/grafana/dripline.json"


def test_the_dashboard_is_one() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or panel["targets"]
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"


def test_the_rules_alert_of_what_hurts() -> None:
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    names = {rule["alert"] for rule in rules}
    assert {
        "DriplineFailedDeliveries", "DriplineBounces", "DriplineLate", "DriplineNoHeartbeat",
    } <= names  # fmt: skip
    for rule in rules:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "description"}


@pytest.mark.parametrize(("verb", "file"), [("check", "alerts.yml"), ("test", "alerts.test.yml")])
def test_prometheus_takes_the_rules(verb: str, file: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    done = subprocess.run(
        [promtool, verb, "rules", file],
        cwd=ALERTS.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
