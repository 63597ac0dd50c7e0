"""What all simulated users of one process share."""

import time
from dataclasses import dataclass, field

from accounts import Accounts
from pacing import Doors
from settings import Settings


@dataclass
class Scenario:
    """The settings of the run, the accounts that are free, and what the shop lets this address do."""

    settings: Settings
    doors: Doors
    accounts: Accounts = field(default_factory=Accounts)
    began: float = field(default_factory=time.monotonic)
    """When the run began."""
    acted_until: float = 0.0
    """Up to which second of the run the administrator has done everything that was due."""
    arrived: int = 0
    """How many customers of all processes have come in and begin to ask; only whoever leads the run counts them."""

    def begin(self) -> None:
        """A new run; accounts are kept."""
        self.began = time.monotonic()
        self.acted_until = 0.0
        self.arrived = 0

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began
