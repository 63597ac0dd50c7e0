"""Somebody who talks to the shop: headers, sessions, and manners when the shop is busy."""

import ipaddress
import logging
import random
import time
from collections import Counter
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlencode

import gevent
from locust import FastHttpUser

import answer as answers
import routes
from accounts import Account, Session
from answer import Answer, Check
from pacing import Allowance, spread
from routes import Route
from scenario import Scenario
from tracing import HEADER, trace_id, traceparent

log = logging.getLogger("shop")

TOLD_OF_EACH = 5
"""So many failures of a kind are logged with their trace; Locust counts the others."""

_told: Counter[tuple[str, str]] = Counter()


class ShopUser(FastHttpUser):
    """A visitor; a customer once there is an account with a session."""

    abstract = True
    scenario: ClassVar[Scenario]

    concurrency = 1
    connection_timeout = 5.0
    network_timeout = 30.0
    insecure = False
    default_headers: dict[str, str] | None = {
        "user-agent": "shopkeeper-load",
        "accept": "application/json",
        "baggage": "synthetic_request=true",
    }

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.settings = self.scenario.settings
        self.account: Account | None = None
        self._address = _some_address(self.settings.client_addresses)

    def ask(
        self,
        route: Route,
        *,
        path: dict[str, object] | None = None,
        query: dict[str, object] | None = None,
        body: object = None,
        form: dict[str, str] | None = None,
        key: str | None = None,
        expected: int = 200,
        refusals: tuple[str, ...] = (),
        check: Check | None = None,
        anonymous: bool = False,
    ) -> Answer:
        """Asks once, and counts as a failure whatever is neither what was expected nor a refusal that is part of shopping.

        Whoever is asked to come back later waits for that long before going on.
        """
        headers = {HEADER: traceparent(self.settings.trace_ratio)}
        if not anonymous and (token := self._token()):
            headers["authorization"] = f"Bearer {token}"
        if key:
            headers["idempotency-key"] = key
        if self._address:
            headers["x-forwarded-for"] = self._address
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        with self.client.request(
            route.method,
            route.path(path, query),
            name=route.name,
            headers=headers,
            data=urlencode(form) if form is not None else None,
            json=body,
            catch_response=True,
            allow_redirects=False,
        ) as response:
            answer = answers.read(response)
            wrong = answers.complaint(answer, expected, refusals, check)
            if wrong:
                response.failure(wrong)
            else:
                response.success()
        if wrong:
            self._tell(route, wrong, headers[HEADER])
        self._obey(answer, anonymous)
        return replace(answer, complaint=wrong)

    def log_in(self) -> bool:
        """Begins a session for the account. Whoever is not known any more (the shop may be a new one) has no account after that."""
        if self.account is None:
            return False
        self.line_up(self.scenario.doors.logins)
        account = self.account
        form = {"username": account.username, "password": account.password}
        answer = self.ask(routes.LOG_IN, form=form, check=_is_session, anonymous=True)
        if answer.complaint is None:
            account.session = Session.begun(answer.body, time.monotonic())
        elif answer.is_problem("bad-credentials"):
            self.account = None
        return account.session is not None

    def line_up(self, door: Allowance) -> None:
        """Waits for a turn at what one address may do only so often. Customers with addresses of their own don't wait."""
        while not self._address and (seconds := door.take(time.monotonic())):
            self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """What is done while there is nothing to do."""
        gevent.sleep(spread(seconds))

    def _token(self) -> str | None:
        account = self.account
        if account is None:
            return None
        if account.session is None:
            self.log_in()
        elif time.monotonic() >= account.session.refresh_at:
            self._refresh(account, account.session)
        return account.session.access_token if account.session else None

    def _refresh(self, account: Account, session: Session) -> None:
        body = {"refresh_token": session.refresh_token}
        answer = self.ask(routes.REFRESH, body=body, check=_is_session, anonymous=True)
        if answer.complaint is None:
            account.session = Session.begun(answer.body, time.monotonic())
        elif answer.status == 401:
            account.session = None
        else:
            session.refresh_at = time.monotonic() + 5

    def _obey(self, answer: Answer, anonymous: bool) -> None:
        if answer.status == 401 and not anonymous and self.account:
            self.account.session = None
        if answer.retry_after:
            gevent.sleep(spread(answer.retry_after))

    def _tell(self, route: Route, wrong: str, header: str) -> None:
        kind = (route.name, wrong)
        _told[kind] += 1
        if _told[kind] <= TOLD_OF_EACH:
            log.warning("%s %s: %s (trace %s)", route.method, route.name, wrong, trace_id(header))


def _is_session(body: Any) -> str | None:
    return None if body["access_token"] and body["refresh_token"] and body["expires_in"] > 0 else "not a session"


def _some_address(addresses: ipaddress.IPv4Network | None) -> str | None:
    return str(addresses[random.randrange(addresses.num_addresses)]) if addresses else None
