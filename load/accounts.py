"""The customers' accounts: everybody has one of their own, and it outlives the simulated user who has it.

Registrations and logins are rare in a shop, and the shop allows one address only so many. Who leaves puts the account back with its
session, and who comes next goes on with it; only if there is none is one registered.
"""

import secrets
import uuid
from collections import deque
from dataclasses import dataclass, field

REFRESH_BEFORE = 60.0


@dataclass
class Session:
    """What a login gives."""

    access_token: str
    refresh_token: str
    refresh_at: float
    """When to ask for the next access token, in the seconds of the clock that was asked."""

    @classmethod
    def begun(cls, answer: dict, now: float) -> "Session":
        """The session of an answer to a login or a refresh."""
        lifetime = float(answer["expires_in"])
        return cls(answer["access_token"], answer["refresh_token"], now + max(lifetime / 2, lifetime - REFRESH_BEFORE))


@dataclass
class Account:
    """A name and a password that nobody else has."""

    username: str = field(default_factory=lambda: f"load-{uuid.uuid4().hex[:20]}")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    session: Session | None = None


@dataclass
class Accounts:
    """Those that are registered and that nobody uses at the moment."""

    free: deque[Account] = field(default_factory=deque)

    def take(self) -> Account | None:
        """The one that was put back the longest ago, if there is one."""
        return self.free.popleft() if self.free else None

    def put_back(self, account: Account) -> None:
        """Somebody else may go on with it."""
        self.free.append(account)
