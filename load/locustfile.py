"""The load of a shop: `locust -f load/locustfile.py --host http://localhost:8080`. docs/src/load.md tells everything about it.

Who comes is chosen by SHAPE and MIX. Locust takes the classes that are found here by name, so there are only those that are meant.
"""

import logging
import os
import sys
from typing import Any

from locust import events
from locust.runners import WorkerRunner

import export
import levels
import settings
from administrator import Administrator
from asker import ARRIVED, Asker
from pacing import Doors
from scenario import Scenario
from settings import Mix, SettingsError, Shape
from shapes import plan, shape_class
from shop import ShopUser
from shopper import Shopper
from timetable import Plan, deeds

log = logging.getLogger("load")

try:
    SETTINGS = settings.from_environment()
    LEVELS = levels.from_environment(SETTINGS.mix)
except SettingsError as error:
    sys.exit(f"load: {error}")

if SETTINGS.mix is Mix.SHOP:

    class Customer(Shopper):
        """Shops."""

else:

    class Customer(Asker):  # type: ignore[no-redef]
        """Asks services."""


if SETTINGS.shape is not Shape.STEADY:
    LoadShape = shape_class(SETTINGS.shape)

if deeds(SETTINGS.shape, Plan(1, 1.0), 0.0, 3600.0):

    class Admin(Administrator):
        """Does what is due."""


@events.init.add_listener
def on_init(environment: Any, web_ui: Any = None, **_: Any) -> None:
    """Everybody of this process shares the accounts, and what one address may do with the processes beside it."""
    processes = getattr(environment.parsed_options, "processes", None) or 1
    ShopUser.scenario = Scenario(SETTINGS, Doors.shared_by(processes if processes > 0 else os.cpu_count() or 1))
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message(ARRIVED, on_arrived)
    if web_ui is not None:
        export.register(environment, web_ui)


def on_arrived(environment: Any, **_: Any) -> None:
    """What it cost to come in is no part of what is promised of a service, so the measuring begins when the last one is there."""
    scenario = ShopUser.scenario
    scenario.arrived += 1
    if scenario.arrived == plan(environment.parsed_options).users:
        environment.stats.reset_all()
        log.info("all %d customers are there: measuring begins", scenario.arrived)


@events.test_start.add_listener
def on_test_start(**_: Any) -> None:
    """The timetable begins anew."""
    ShopUser.scenario.begin()


@events.test_stop.add_listener
def on_test_stop(environment: Any, **_: Any) -> None:
    """For who looks at the page and at its log."""
    if environment.web_ui is not None:
        tell_levels(environment)


@events.quitting.add_listener
def on_quitting(environment: Any, **_: Any) -> None:
    """For who looks at the exit code: 1 if a level was missed, 2 if it is the scenarios that are broken."""
    if environment.web_ui is None and not isinstance(environment.runner, WorkerRunner):
        missed = tell_levels(environment)
        environment.process_exit_code = 1 if missed else 2 if environment.runner.exceptions else 0


def tell_levels(environment: Any) -> bool:
    """Puts the table of levels into the log; whether one was missed."""
    total = environment.stats.total
    seconds = (total.last_request_timestamp or 0.0) - (total.start_time or 0.0)
    rows = levels.judge(levels.measured(environment.stats), seconds, LEVELS)
    log.info("service levels:\n%s", levels.table(rows))
    return levels.is_missed(rows)
