"""What Prometheus may ask: the engine's counters, gauges and histograms, all in one registry.

Labels are bounded: channels, statuses, duties, bots by name; never a contact, a scenario or
anything an outsider can invent. Count a batch with one `inc(n)`, not a message at a time.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_SEND_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LATENESS_BUCKETS = (0.01, 0.05, 0.1, 0.3, 1, 3, 10, 60, 600, 3600)
_DUTY_BUCKETS = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)


class Durations(Collector):
    """A histogram that takes whole batches: a fifth of a microsecond a value, without a lock.

    One event loop observes; a scrape that comes in between is off by a value at most.
    """

    def __init__(self, name: str, help_text: str, label: str, buckets: Sequence[float]) -> None:
        self._name, self._help, self._label = name, help_text, label
        self._bounds = tuple(buckets)
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        REGISTRY.register(self)

    def observe(self, label: str, seconds: Iterable[float]) -> None:
        """Record durations; one below zero counts as none."""
        counts = self._counts.setdefault(label, [0] * (len(self._bounds) + 1))
        total = 0.0
        for value in seconds:
            lasted = max(0.0, value)
            counts[bisect_left(self._bounds, lasted)] += 1
            total += lasted
        self._sums[label] = self._sums.get(label, 0.0) + total

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the histogram as Prometheus reads it: each bucket with all below it."""
        family = HistogramMetricFamily(self._name, self._help, labels=[self._label])
        for label, counts in self._counts.items():
            below, buckets = 0, []
            for bound, count in zip((*self._bounds, float("inf")), counts, strict=True):
                below += count
                buckets.append((_edge(bound), float(below)))
            family.add_metric([label], buckets, self._sums.get(label, 0.0))
        yield family


def _edge(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(float(bound))


SEND_SECONDS = Durations(
    "dripline_send_seconds", "From a request to the channel's answer", "channel", _SEND_BUCKETS
)
LATENESS_SECONDS = Durations(
    "dripline_lateness_seconds",
    "From the moment a message was due to the end of its sending, waits for the pace included",
    "channel",
    _LATENESS_BUCKETS,
)
DELIVERIES = Counter(
    "dripline_deliveries",
    "Messages that ended, by outcome",
    ["channel", "status"],
    registry=REGISTRY,
)
RETRIES = Counter("dripline_retries", "Messages put off for a later attempt", registry=REGISTRY)
QUEUE_DUE = Gauge(
    "dripline_queue_due", "Rows of the queue that are due, up to 10,000 a bot", registry=REGISTRY
)
IN_FLIGHT = Gauge("dripline_inflight", "Messages this process is sending", registry=REGISTRY)
RESCUED = Counter(
    "dripline_rescued", "Rows taken over from a worker whose lease ran out", registry=REGISTRY
)
FENCED = Counter(
    "dripline_fenced", "Results of a worker whose lease had run out, left out", registry=REGISTRY
)
DECISIONS = Counter(
    "dripline_decisions",
    "What was decided: send, wait, skip, complete, park",
    ["kind"],
    registry=REGISTRY,
)
ENROLLMENTS = Counter(
    "dripline_enrollments",
    "Enrollments that were started, resumed, completed, stopped, parked",
    ["change"],
    registry=REGISTRY,
)
EVENTS = Counter("dripline_events", "Events appended", registry=REGISTRY)
REACTIONS = Counter(
    "dripline_reactions",
    "Events a consumer has dealt with",
    ["consumer", "result"],
    registry=REGISTRY,
)
UPDATES = Counter(
    "dripline_updates",
    "Updates from Telegram: handled, duplicate, ignored, failed",
    ["bot", "result"],
    registry=REGISTRY,
)
EMAIL_WEBHOOKS = Counter(
    "dripline_email_webhooks",
    "What the email provider told: delivered, bounced, complained, …",
    ["kind"],
    registry=REGISTRY,
)
DUTY_SECONDS = Histogram(
    "dripline_duty_seconds", "One run of a duty", ["duty"], buckets=_DUTY_BUCKETS, registry=REGISTRY
)
DUTY_FAILURES = Counter(
    "dripline_duty_failures", "Runs of a duty that raised an error", ["duty"], registry=REGISTRY
)
NEWS = Counter(
    "dripline_delivery_news",
    "Deliveries whose status moved on by what was told of them: delivered, bounced, failed",
    ["status"],
    registry=REGISTRY,
)
ENGAGEMENT = Counter(
    "dripline_engagement",
    "Clicks and opens, by people and by machines",
    ["kind", "result"],
    registry=REGISTRY,
)
SPOOL_LOST = Counter(
    "dripline_spool_lost", "Clicks and opens that could not be written down", registry=REGISTRY
)
MARKETING_CLICKS = Counter(
    "marketing_clicks",
    "Clicks of posts: human, machine, repeat",
    ["promo", "chat", "result"],
    registry=REGISTRY,
)
REQUESTS = Counter(
    "dripline_http_requests",
    "Requests answered, by route and status",
    ["route", "status"],
    registry=REGISTRY,
)


POSTS = Counter(
    "marketing_posts",
    "Posts into chats that ended, by promo, chat and result",
    ["promo", "chat", "result"],
    registry=REGISTRY,
)


class Bounded:
    """Values of a label, up to so many; any further one is called `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the value as a label."""
        if value not in self._known:
            if len(self._known) >= self._most:
                return "other"
            self._known.add(value)
        return value


_promo_of_post, _chat_of_post = Bounded(200), Bounded(200)


def count_post(promo: str, chat: str, *, sent: bool) -> None:
    """Count a post that has ended."""
    POSTS.labels(_promo_of_post(promo), _chat_of_post(chat), "sent" if sent else "failed").inc()


def count_clicks(promo: str, chat: str, result: str, number: int = 1) -> None:
    """Count clicks of posts: human, repeat, machine."""
    MARKETING_CLICKS.labels(_promo_of_post(promo), _chat_of_post(chat), result).inc(number)


class Ended(Protocol):
    """A message that ended, as `deliveries` describes it."""

    ready: Any  # its address names the channel
    status: str


def count_settled(results: Sequence[Ended], retried: int, fenced: int) -> None:
    """Count what one settle recorded, a counter at a time instead of a message at a time."""
    tally = Tally((result.ready.address.channel, result.status) for result in results)
    for (channel, status), number in tally.items():
        DELIVERIES.labels(channel, status).inc(number)
    if retried:
        RETRIES.inc(retried)
    if fenced:
        FENCED.inc(fenced)


def observe_sending(results: Iterable[tuple[str, float]]) -> None:
    """Record how long channels took to answer: pairs of channel and seconds."""
    _observe(SEND_SECONDS, results)


def observe_lateness(results: Iterable[tuple[str, float]]) -> None:
    """Record how late messages were: pairs of channel and seconds."""
    _observe(LATENESS_SECONDS, results)


def _observe(durations: Durations, results: Iterable[tuple[str, float]]) -> None:
    by_channel: dict[str, list[float]] = {}
    for channel, seconds in results:
        by_channel.setdefault(channel, []).append(seconds)
    for channel, values in by_channel.items():
        durations.observe(channel, values)


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
