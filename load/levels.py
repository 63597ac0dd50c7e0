"""Service levels: what a run must show so that it ends well, and the table that says whether it did.

The default is what the older shop promised: 500 requests a second for each service, P99 below 500 ms for what matters most and P95 below
200 ms for everything else, and fewer errors than one in a thousand.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import routes
from routes import Level, Route
from settings import Mix, SettingsError, duration, number

ENOUGH = {Level.CRITICAL: 100, Level.ORDINARY: 20}
"""So many answers it takes to speak of a P99 or a P95."""


@dataclass(frozen=True)
class Levels:
    """What is asked for. Times in seconds, rates a second; a rate of 0 asks for nothing."""

    p99: float = 0.5
    p95: float = 0.2
    errors: float = 0.001
    rates: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(routes.SERVICES, 500.0))


@dataclass(frozen=True)
class Measured:
    """What Locust counted of a route."""

    route: Route | None
    """None for a name that is no route of ours."""
    requests: int
    failures: int
    p95: float
    p99: float


class Verdict(Enum):
    """Whether a level was met."""

    MET = "met"
    MISSED = "MISSED"
    UNKNOWN = "too few to tell"


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    level: str
    measured: str
    verdict: Verdict


def from_environment(mix: Mix, environment: Mapping[str, str] = os.environ) -> Levels:
    """LEVEL_P99, LEVEL_P95 (`500ms`), LEVEL_ERRORS (`0.001`), LEVEL_RATE and LEVEL_RATE_CATALOG, … (requests a second).

    A mix that asks one service is held to a rate of that one.
    """
    default = Levels()
    try:
        asked = [service for service in routes.SERVICES if mix in (Mix.SHOP, Mix.EVEN) or service == mix.lower()]
        rate = environment.get("LEVEL_RATE", "").strip()
        own = {service: environment.get(f"LEVEL_RATE_{service.upper()}", "").strip() or rate for service in asked}
        return Levels(
            p99=duration(environment.get("LEVEL_P99", "").strip() or f"{default.p99}s"),
            p95=duration(environment.get("LEVEL_P95", "").strip() or f"{default.p95}s"),
            errors=number(environment.get("LEVEL_ERRORS", "").strip() or str(default.errors)),
            rates={service: number(text) if text else default.rates[service] for service, text in own.items()},
        )
    except ValueError as error:
        raise SettingsError(f"one of the levels (LEVEL_…): {error}") from None


def measured(stats: Any) -> list[Measured]:
    """What there is in Locust's figures, whose times are milliseconds."""

    def of(method: str, name: str, entry: Any) -> Measured:
        def percentile(part: float) -> float:
            return (entry.get_response_time_percentile(part) or 0) / 1000

        return Measured(
            routes.known(method, name), entry.num_requests, entry.num_failures, percentile(0.95), percentile(0.99)
        )

    return [of(method, name, entry) for (name, method), entry in stats.entries.items()]


def judge(figures: Iterable[Measured], seconds: float, levels: Levels) -> list[Row]:
    """Holds what was measured in so many seconds to the levels."""
    figures = list(figures)
    return [*_errors(figures, levels), *_rates(figures, seconds, levels), *_times(figures, levels)]


def is_missed(rows: Iterable[Row]) -> bool:
    """Whether one of them was."""
    return any(row.verdict is Verdict.MISSED for row in rows)


def table(rows: list[Row]) -> str:
    """The rows below each other, to be read by people."""
    cells = [
        ("what", "level", "measured", ""),
        *((row.what, row.level, row.measured, row.verdict.value) for row in rows),
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(4)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * (sum(widths) + 6), *lines[1:]])


def _errors(figures: list[Measured], levels: Levels) -> list[Row]:
    """Of all of them. A run without a request shows nothing, so it does not show that there are few errors."""
    requests, failures = sum(each.requests for each in figures), sum(each.failures for each in figures)
    ratio = failures / requests if requests else 1.0
    met = bool(requests) and ratio <= levels.errors
    told = f"{failures} of {requests}" + (f" = {ratio:.3%}" if requests else "")
    return [Row("errors", f"<= {levels.errors:.2%}", told, _verdict(met))]


def _rates(figures: list[Measured], seconds: float, levels: Levels) -> list[Row]:
    rows = []
    for service, due in levels.rates.items():
        count = sum(each.requests - each.failures for each in figures if each.route and each.route.service == service)
        rate = count / seconds if seconds > 0 else 0.0
        if due > 0:
            rows.append(Row(f"good answers of {service}", f">= {due:g}/s", f"{rate:.1f}/s", _verdict(rate >= due)))
    return rows


def _times(figures: list[Measured], levels: Levels) -> list[Row]:
    rows = []
    for each in sorted(figures, key=lambda each: (each.route.service, each.route.name) if each.route else ("", "")):
        if each.route is None or each.route.level is Level.NONE or not each.requests:
            continue
        critical = each.route.level is Level.CRITICAL
        time, due = (each.p99, levels.p99) if critical else (each.p95, levels.p95)
        enough = each.requests >= ENOUGH[each.route.level]
        rows.append(
            Row(
                f"{each.route.level.value} of {each.route.method} {each.route.name}",
                f"< {due * 1000:g} ms",
                f"{time * 1000:g} ms of {each.requests}",
                _verdict(time < due) if enough else Verdict.UNKNOWN,
            )
        )
    return rows


def _verdict(met: bool) -> Verdict:
    return Verdict.MET if met else Verdict.MISSED
