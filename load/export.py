"""Locust's own figures as Prometheus reads them, beside the web page: `<base path>/metrics`, also as `<base path>/export/prometheus`."""

from collections.abc import Iterator
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
QUANTILES = (0.5, 0.95, 0.99)
MOST_NAMES = 100
"""Names are routes, of which there are few; should somebody add a step without a name, the rest is counted as one."""
OTHER = "other"
ALL = "Aggregated"
RUNNING = ("spawning", "running")


def register(environment: Any, web_ui: Any) -> None:
    """Adds the page."""
    base = (getattr(environment.parsed_options, "web_base_path", None) or "").rstrip("/")

    @web_ui.app.route(f"{base}/metrics")
    @web_ui.app.route(f"{base}/export/prometheus")
    def export_prometheus() -> tuple[str, int, dict[str, str]]:
        return page(environment.runner, environment.stats), 200, {"Content-Type": CONTENT_TYPE}


def page(runner: Any, stats: Any) -> str:
    """All of it."""
    return "\n".join([*_state(runner), *_counters(stats), *_times(stats)]) + "\n"


def _state(runner: Any) -> Iterator[str]:
    yield from _head("locust_users", "gauge", "Simulated users.")
    yield f"locust_users {runner.user_count}"
    yield from _head("locust_running", "gauge", "Whether a run is going on.")
    yield f"locust_running {int(runner.state in RUNNING)}"


def _counters(stats: Any) -> Iterator[str]:
    sums: dict[tuple[str, str], list[int]] = {}
    for (name, method), entry in sorted(stats.entries.items()):
        key = (name, method) if len(sums) < MOST_NAMES else (OTHER, OTHER)
        sums.setdefault(key, [0, 0])
        sums[key][0] += entry.num_requests
        sums[key][1] += entry.num_failures
    for place, (metric, text) in enumerate(
        [("locust_requests_total", "Requests that were asked."), ("locust_failures_total", "Requests that failed.")]
    ):
        yield from _head(metric, "counter", text)
        for (name, method), counts in sums.items():
            yield f"{metric}{_labels(name=name, method=method)} {counts[place]}"


def _times(stats: Any) -> Iterator[str]:
    metric = "locust_response_time_seconds"
    yield from _head(metric, "gauge", f"Response time since the run began; of {ALL}: of the last ten seconds.")
    for (name, method), entry in sorted(stats.entries.items())[:MOST_NAMES]:
        if entry.num_requests:
            for quantile in QUANTILES:
                seconds = entry.get_response_time_percentile(quantile) / 1000
                yield f"{metric}{_labels(name=name, method=method, quantile=str(quantile))} {seconds}"
    for quantile in QUANTILES:
        now = stats.total.get_current_response_time_percentile(quantile)
        if now is not None:
            yield f"{metric}{_labels(name=ALL, method='', quantile=str(quantile))} {now / 1000}"


def _head(metric: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {metric} {text}"
    yield f"# TYPE {metric} {kind}"


def _labels(**labels: str) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    return "{" + ",".join(f'{name}="{escaped(value or "")}"' for name, value in labels.items()) + "}"
