"""The shapes as Locust wants them. `--users`, `--spawn-rate` and `--run-time` hold for them as they do without a shape."""

from typing import Any

from locust import LoadTestShape

from settings import Shape
from timetable import Plan, users_at


def plan(options: Any) -> Plan:
    """What Locust was told; one user at a time unless it was told otherwise, as Locust has it."""
    run_time = getattr(options, "run_time", None)
    return Plan(
        users=max(1, getattr(options, "num_users", None) or 1),
        spawn_rate=max(0.01, getattr(options, "spawn_rate", None) or 1.0),
        run_time=float(run_time) if run_time else None,
    )


def shape_class(shape: Shape) -> type[LoadTestShape] | None:
    """The class for a shape; none for Steady, which is what Locust does by itself."""
    if shape is Shape.STEADY:
        return None

    def tick(self: LoadTestShape) -> tuple[int, float] | None:
        assert self.runner is not None
        return users_at(shape, plan(self.runner.environment.parsed_options), self.get_run_time())

    return type(shape.value, (LoadTestShape,), {"use_common_options": True, "tick": tick, "__doc__": shape.value})
