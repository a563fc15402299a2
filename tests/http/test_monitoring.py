"""The files of docs/monitoring: alerts that fire when they should, and queries of metrics that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from djangobot.db import metrics

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="needs promtool: Debian's package prometheus (apt-get install prometheus)"
)
LABELS = 'job="djangobot", instance="one"'
WELL = {
    "up": "1x120",
    "djangobot_telegram_connected": "1x120",
    "djangobot_queue_messages": "3x120",
    "djangobot_oldest_due_seconds": "2x120",
    "djangobot_uncertain_total": "5x120",
    "djangobot_flood_waits_total": "0+0.1x120",
    'djangobot_failed_total{reason="blocked"}': "0+60x120",
    'djangobot_failed_total{reason="other"}': "0+0.1x120",
    'djangobot_refused_total{what="code"}': "0+1x120",
    'djangobot_send_seconds_bucket{le="1"}': "0+60x120",
    'djangobot_send_seconds_bucket{le="300"}': "0+60x120",
    'djangobot_send_seconds_bucket{le="+Inf"}': "0+60x120",
}
"""Two hours, a value a minute, in which all is well: people block the bot, somebody mistypes a code."""
UNKNOWN = " ".join(["NaN"] * 120)
TROUBLE = {
    "DjangoBotDown": {"up": "0x120"},
    "DjangoBotTelegramAway": {"djangobot_telegram_connected": "0x120"},
    "DjangoBotDatabaseAway": {
        "djangobot_queue_messages": UNKNOWN,
        "djangobot_oldest_due_seconds": UNKNOWN,
    },
    "DjangoBotDeliveryStuck": {"djangobot_oldest_due_seconds": "0+60x120"},
    "DjangoBotSlow": {'djangobot_send_seconds_bucket{le="1"}': "0+30x120"},
    "DjangoBotMessagesFail": {'djangobot_failed_total{reason="other"}': "0+2x120"},
    "DjangoBotUncertain": {"djangobot_uncertain_total": "5x90 6x29"},
    "DjangoBotGuessing": {'djangobot_refused_total{what="code"}': "0+10x120"},
    "DjangoBotFloodWaits": {"djangobot_flood_waits_total": "0+1x120"},
}


def labelled(name: str) -> str:
    """The series as Prometheus has it, with the labels of its target."""
    bare, _, own = name.partition("{")
    return f"{bare}{{{LABELS}{', ' + own if own else '}'}"


def promtool(*arguments: str, given: bytes = b"") -> str:
    """Runs it; what it said when it was content."""
    assert PROMTOOL is not None
    run = subprocess.run([PROMTOOL, *arguments], input=given, capture_output=True, check=False, timeout=60)
    said = (run.stdout + run.stderr).decode()
    assert run.returncode == 0, said
    return said


def rules() -> list[tuple[str, str]]:
    """The alerts, each with its severity."""
    text = (FOLDER / "alerts.yaml").read_text()
    return re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", text, flags=re.DOTALL)


@needs_promtool
def test_each_alert_fires_in_its_trouble_and_none_when_all_is_well(tmp_path: Path) -> None:
    """And no other alert with it."""
    shutil.copy(FOLDER / "alerts.yaml", tmp_path)
    assert [name for name, _ in rules()] == list(TROUBLE)
    tests = []
    for trouble in (None, *TROUBLE):
        series = WELL | (TROUBLE[trouble] if trouble else {})
        tests.append(
            {
                "name": trouble or "all is well",
                "interval": "1m",
                "input_series": [
                    {"series": labelled(name), "values": values} for name, values in series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertstate="firing", alertname="{name}"}}) or vector(0)',
                        "eval_time": "119m",
                        "exp_samples": [{"labels": "{}", "value": float(name == trouble)}],
                    }
                    for name, _ in rules()
                ],
            }
        )
    cases = {"rule_files": ["alerts.yaml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "cases.yaml").write_text(json.dumps(cases))
    assert "SUCCESS" in promtool("test", "rules", str(tmp_path / "cases.yaml"))


@needs_promtool
def test_prometheus_takes_the_lines_for_it() -> None:
    """And the alerts that they name."""
    assert "SUCCESS" in promtool("check", "config", str(FOLDER / "prometheus.yaml"))


@needs_promtool
def test_each_query_of_the_dashboard_is_one(tmp_path: Path) -> None:
    """With Grafana's variables filled in."""
    recorded = [
        {"record": f"query_{number}", "expr": expression}
        for number, expression in enumerate(expressions_of_the_dashboard())
    ]
    (tmp_path / "queries.yaml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": recorded}]}))
    assert f"{len(recorded)} rules found" in promtool("check", "rules", str(tmp_path / "queries.yaml"))


@needs_promtool
def test_prometheus_finds_nothing_wrong_with_our_metrics() -> None:
    """Names, types and help."""
    promtool("check", "metrics", given=metrics.exposition(1, 0, connected=True))


def test_only_metrics_that_there_are_are_asked_for() -> None:
    """By the alerts and by the dashboard, and each metric by one of them."""
    asked = "\n".join([(FOLDER / "alerts.yaml").read_text(), *expressions_of_the_dashboard()])
    named = {re.sub(r"_bucket$", "", name) for name in re.findall(r"\bdjangobot_\w+", asked)}
    exposed = metrics.exposition(0, 0, connected=True).decode()
    assert named == set(re.findall(r"^# TYPE (\w+)", exposed, flags=re.MULTILINE))


def test_every_alert_is_explained() -> None:
    """docs/monitoring.md says when each fires and what to do."""
    explained = re.findall(r"^\| `(\w+)`", (FOLDER.parent / "monitoring.md").read_text(), flags=re.MULTILINE)
    assert explained == [name for name, _ in rules()]


def expressions_of_the_dashboard() -> Iterator[str]:
    """Its queries, with Grafana's variables filled in."""
    dashboard: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$job", "djangobot").replace("$__rate_interval", "1m")
