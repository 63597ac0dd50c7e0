"""What happens when in each shape: how many users there are, and what the administrator does. Functions of time and nothing else."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from settings import Shape

CACHES = ("topComments", "recommendations", "bestsellers", "flashSales", "userProfile", "cart", "products")
"""Those of a shop, the most asked last."""

WARM_UP = 60.0
"""ColdCache: seconds in which caches fill before the first is forgotten."""
BETWEEN_CACHES = 20.0
RECOVERY = 40.0
"""ColdCache: seconds to recover from the last of the steps, and from everything at once."""
BETWEEN_BLOWS = 30.0
"""HotKey: how often the one product is forgotten while everybody asks for it."""
QUIET = 30.0
"""FlashSale: seconds between the arrival of all customers and the first sale."""
SALE = 120.0
CALM = 60.0
WAVE = 600.0
"""Soak: seconds from one high tide to the next."""
WAVE_STEPS = 20


class Act(Enum):
    """What an administrator can do to the shop."""

    FORGET = "forget one cache"
    FORGET_ALL = "forget all caches at once"
    FORGET_PRODUCT = "forget the hot product"
    HOLD_SALE = "start a flash sale"


@dataclass(frozen=True)
class Deed:
    """Something that the administrator does at a time."""

    at: float
    act: Act
    cache: str = ""


@dataclass(frozen=True)
class Plan:
    """What Locust's own options ask for."""

    users: int
    spawn_rate: float
    run_time: float | None = None

    @property
    def arrival(self) -> float:
        """When everybody is there."""
        return self.users / self.spawn_rate


def users_at(shape: Shape, plan: Plan, at: float) -> tuple[int, float] | None:
    """How many users there are to be after so many seconds, and how fast they come or go; none when the run is over."""
    if plan.run_time is not None and at >= plan.run_time:
        return None
    match shape:
        case Shape.FLASH_SALE:
            return _crowd(plan, at)
        case Shape.SOAK:
            return _tide(plan, at)
        case _:
            return plan.users, plan.spawn_rate


def deeds(shape: Shape, plan: Plan, since: float, until: float) -> list[Deed]:
    """What the administrator does from `since` on, and before `until`."""
    found = []
    for deed in _all_deeds(shape, plan):
        if deed.at >= until:
            break
        if deed.at >= since:
            found.append(deed)
    return found


def _crowd(plan: Plan, at: float) -> tuple[int, float]:
    """A quarter before and between the sales, and all of them at once when one begins."""
    few, all_of_them = (max(1, plan.users // 4), plan.spawn_rate), (plan.users, max(plan.spawn_rate, plan.users / 5))
    if at < plan.arrival:
        return plan.users, plan.spawn_rate
    if at < plan.arrival + QUIET:
        return few
    within = (at - plan.arrival - QUIET) % (SALE + CALM)
    return all_of_them if within < SALE else few


def _tide(plan: Plan, at: float) -> tuple[int, float]:
    """Half of them to all of them and back, in steps, so that what leaks shows as a tide that rises."""
    if at < plan.arrival:
        return plan.users, plan.spawn_rate
    step = math.floor((at - plan.arrival) / WAVE * WAVE_STEPS) / WAVE_STEPS
    return max(1, round(plan.users * (0.75 + 0.25 * math.cos(2 * math.pi * step)))), plan.spawn_rate


def _all_deeds(shape: Shape, plan: Plan) -> Iterator[Deed]:
    """Without an end, in their order."""
    begin = plan.arrival
    match shape:
        case Shape.COLD_CACHE:
            while True:
                begin += WARM_UP
                for cache in CACHES:
                    yield Deed(begin, Act.FORGET, cache)
                    begin += BETWEEN_CACHES
                begin += RECOVERY
                yield Deed(begin, Act.FORGET_ALL)
                begin += RECOVERY
        case Shape.HOT_KEY:
            while True:
                begin += BETWEEN_BLOWS
                yield Deed(begin, Act.FORGET_PRODUCT)
        case Shape.FLASH_SALE:
            begin += QUIET
            while True:
                yield Deed(begin, Act.HOLD_SALE)
                begin += SALE + CALM
        case _:
            return
