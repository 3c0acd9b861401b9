"""Metrics: one increment a batch, bounded labels."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from dripline import metrics


def ready(channel: str) -> Any:
    return SimpleNamespace(address=SimpleNamespace(channel=channel))


@dataclass
class Ended:
    status: str
    ready: Any = field(default_factory=lambda: ready("telegram"))


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_settle_is_counted_by_channel_and_status() -> None:
    before = value("dripline_deliveries_total", channel="telegram", status="sent")
    retried, fenced = value("dripline_retries_total"), value("dripline_fenced_total")
    metrics.count_settled([Ended("sent"), Ended("sent"), Ended("failed")], retried=4, fenced=2)
    after = value("dripline_deliveries_total", channel="telegram", status="sent")
    assert after - before == 2
    assert value("dripline_retries_total") - retried == 4
    assert value("dripline_fenced_total") - fenced == 2


def test_a_message_before_its_time_is_not_late() -> None:
    labels = {"channel": "early"}
    metrics.observe_lateness([("early", -0.5), ("early", 0.25)])
    assert value("dripline_lateness_seconds_count", **labels) == 2
    assert value("dripline_lateness_seconds_sum", **labels) == 0.25


def test_a_batch_of_durations_falls_into_cumulative_buckets() -> None:
    metrics.observe_sending([("batch", 0.01), ("batch", 0.03), ("batch", 0.2), ("batch", 99.0)])

    def bucket(le: str) -> float:
        return value("dripline_send_seconds_bucket", channel="batch", le=le)

    assert [bucket(le) for le in ("0.01", "0.025", "0.05", "0.25", "30.0", "+Inf")] == [
        1, 1, 2, 3, 3, 4,
    ]  # fmt: skip
    assert value("dripline_send_seconds_sum", channel="batch") == pytest.approx(99.24)


def test_only_one_label_a_channel_is_made() -> None:
    metrics.observe_sending([("again", 0.1)])
    metrics.observe_sending([("again", 0.1)])
    assert value("dripline_send_seconds_count", channel="again") == 2


def test_everything_is_told_in_prometheus_text() -> None:
    text = metrics.exposition().decode()
    for name in (
        "dripline_deliveries_total",
        "dripline_send_seconds",
        "dripline_lateness_seconds",
        "dripline_queue_due",
        "dripline_inflight",
        "dripline_duty_seconds",
        "dripline_updates_total",
        "dripline_events_total",
        "process_resident_memory_bytes",
    ):
        assert f"# TYPE {name.removesuffix('_total')}" in text or f"# TYPE {name}" in text


def test_no_label_is_a_person_or_a_scenario() -> None:
    bounded = {"channel", "status", "duty", "bot", "result", "kind", "change", "consumer", "route"}
    bounded |= {"le", "version", "implementation", "major", "minor", "patchlevel"}
    bounded |= {"promo", "chat"}  # of posts: some hundreds at most, then `other`
    used = {
        label
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
        for label in sample.labels
    }
    assert used <= bounded
