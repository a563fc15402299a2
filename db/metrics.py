"""Metrics for Prometheus. They are here because both the bot and the HTTP server use them. Counts start again
with the process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4"
"""The content type of what `generate_latest` writes, in UTF-8."""
REASONS = frozenset(
    {
        "blocked",
        "deactivated",
        "CHAT_WRITE_FORBIDDEN",
        "INPUT_USER_DEACTIVATED",
        "MESSAGE_EMPTY",
        "MESSAGE_TOO_LONG",
        "PEER_ID_INVALID",
        "USER_ID_INVALID",
        "USER_IS_BOT",
        "USER_PRIVACY_RESTRICTED",
    }
)
"""Reasons that have their own label. With a time series for every error name of Telegram, their number would
have no limit."""

ATTEMPTS = ("sign_in", "code")
"""What an attacker may try to guess."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which is not needed
REGISTRY = CollectorRegistry()
"""Our own registry, without the metrics that other packages add to prometheus_client's."""

accepted = Counter("djangobot_accepted_total", "Messages accepted from programs.", registry=REGISTRY)
inlet_messages = Counter(
    "djangobot_inlet_messages_total",
    "Messages accepted from programs that speak something else than this API.",
    ["format"],
    registry=REGISTRY,
)
sent = Counter("djangobot_sent_total", "Messages that Telegram accepted.", registry=REGISTRY)
failed = Counter(
    "djangobot_failed_total",
    "Messages that Telegram refused, which are not sent again.",
    ["reason"],
    registry=REGISTRY,
)
uncertain = Counter(
    "djangobot_uncertain_total",
    "Messages whose outcome is unknown and which are not sent again.",
    registry=REGISTRY,
)
held = Counter(
    "djangobot_held_total",
    "Messages stored and not shown, because of a mute or quiet hours.",
    registry=REGISTRY,
)
expired = Counter(
    "djangobot_expired_total", "Messages whose time to live ended before they were sent.", registry=REGISTRY
)
retries = Counter(
    "djangobot_retries_total",
    "Sends postponed after a lost answer or an internal error.",
    registry=REGISTRY,
)
flood_waits = Counter(
    "djangobot_flood_waits_total", "Flood waits that Telegram asked for.", registry=REGISTRY
)
refused = Counter(
    "djangobot_refused_total",
    "Attempts to sign in or to redeem a code that were refused because there were too many.",
    ["what"],
    registry=REGISTRY,
)
send_seconds = Histogram(
    "djangobot_send_seconds",
    "Seconds from accepting a message to recording that it was sent.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
    registry=REGISTRY,
)
queue_messages = Gauge(
    "djangobot_queue_messages",
    "Messages that are accepted and not settled; NaN if unknown.",
    registry=REGISTRY,
)
oldest_due_seconds = Gauge(
    "djangobot_oldest_due_seconds",
    "Seconds since the oldest undelivered message fell due; 0 if none is due, NaN if unknown.",
    registry=REGISTRY,
)
telegram_connected = Gauge(
    "djangobot_telegram_connected",
    "1 if the bot of this process is connected, otherwise 0.",
    registry=REGISTRY,
)


def count_failed(reason: str) -> None:
    """Counts a failure under its reason, or under `other`."""
    failed.labels(reason if reason in REASONS else "other").inc()


def refused_attempts() -> float:
    """The number of all refused attempts since the process started."""
    counted = (REGISTRY.get_sample_value("djangobot_refused_total", {"what": what}) for what in ATTEMPTS)
    return sum(count or 0.0 for count in counted)


def count_end(status: str) -> None:
    """Counts an outcome that is neither sent nor failed."""
    {"uncertain": uncertain, "expired": expired, "held": held}[status].inc()


def exposition(queue: float, oldest_due: float, *, connected: bool) -> bytes:
    """Returns all metrics as text. Sets the gauges, whose values are only known now."""
    queue_messages.set(queue)
    oldest_due_seconds.set(oldest_due)
    telegram_connected.set(connected)
    return generate_latest(REGISTRY)
