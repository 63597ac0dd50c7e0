"""Waiting: for what the shop allows, and for as long as it asks to be left alone."""

import random
from dataclasses import dataclass, field

LONGEST_RETRY_AFTER = 60.0


@dataclass
class Allowance:
    """So many at once, and from then on so many a second."""

    burst: float
    per_second: float
    left: float = field(init=False)
    at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.left = self.burst

    def has_room(self, now: float) -> bool:
        """Whether one could be taken now, and another one were left."""
        return self._refilled(now) > 1

    def _refilled(self, now: float) -> float:
        return min(self.burst, self.left + max(0.0, now - self.at) * self.per_second)

    def take(self, now: float) -> float:
        """Takes one if there is one, which is 0; otherwise the seconds until there will be."""
        self.left = self._refilled(now)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) / self.per_second


@dataclass
class Doors:
    """What the shop lets one address do (see docs/src/accounts.md), and some left over for the people who come from there as well."""

    registrations: Allowance
    logins: Allowance
    carts: Allowance

    @classmethod
    def shared_by(cls, processes: int) -> "Doors":
        """The part of each of so many processes with one address."""
        share = max(1, processes)

        def allowance(burst: float, per_second: float) -> Allowance:
            return Allowance(max(1.0, burst / share), per_second / share)

        return cls(registrations=allowance(450, 0.8), logins=allowance(450, 8), carts=allowance(450, 8))


def retry_after(header: str | None) -> float:
    """The seconds that an answer asks to wait for; none if it does not ask. Never longer than a minute: a customer asks again by then."""
    text = (header or "").strip()
    return min(float(text), LONGEST_RETRY_AFTER) if text.isascii() and text.isdigit() else 0.0


def spread(seconds: float) -> float:
    """That long or up to a quarter longer, so that those who were sent away together don't come back together."""
    return seconds * random.uniform(1.0, 1.25)
