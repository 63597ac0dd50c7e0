"""The administrator of the shapes: forgets caches and holds sales, when the timetable says so."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from locust import constant, task

import routes
from accounts import Account
from shapes import plan
from steps import Steps
from timetable import CACHES, SALE, Act, Deed, deeds

log = logging.getLogger("administrator")

ON_SALE = "On sale for the load only"
PRICE = 100_00


class Administrator(Steps):
    """One of them, however many customers there are."""

    abstract = True
    fixed_count = 1
    wait_time = constant(0.5)

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.sale: str | None = None
        self.product: int | None = None

    def on_start(self) -> None:
        """Logs in."""
        self.account = Account(self.settings.admin_username, self.settings.admin_password)
        if not self.log_in():
            log.error(
                "the administrator can't log in: set ADMIN_USERNAME and ADMIN_PASSWORD, or the shape is only half of it"
            )

    @task
    def do_what_is_due(self) -> None:
        """Everything that the timetable has since the last look."""
        scenario, now = self.scenario, self.scenario.elapsed()
        since, scenario.acted_until = scenario.acted_until, now
        for deed in deeds(self.settings.shape, plan(self.environment.parsed_options), since, now):
            log.info("%s %s", deed.act.value, deed.cache)
            self.do(deed)

    def do(self, deed: Deed) -> None:
        """One thing."""
        match deed.act:
            case Act.FORGET:
                self.forget(deed.cache)
            case Act.FORGET_ALL:
                for cache in CACHES:
                    self.forget(cache)
            case Act.FORGET_PRODUCT:
                if (product := self.hot_product()) is not None:
                    self.forget("products", tag=f"product:{product}")
            case Act.HOLD_SALE:
                self.hold_sale()

    def forget(self, cache: str, tag: str | None = None) -> None:
        """Everything in a cache, on all replicas, or only what depends on one thing."""
        body = {"cache_type": cache, "tag": tag} if tag else {"cache_type": cache}
        self.ask(routes.INVALIDATE, body=body)

    def hold_sale(self) -> None:
        """A product of the load's own at half its price, for as long as the crowd is there."""
        if (product := self.product or self.find_product() or self.add_product()) is None:
            return
        self.product = product
        self.ask(routes.CHANGE_PRODUCT, path={"id": product}, body={"stock": self.settings.sale_stock})
        ends = datetime.now(UTC) + timedelta(seconds=SALE)
        price = {"amount": PRICE // 2, "currency": "RUB"}
        body = {"product_id": product, "price": price, "ends_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
        answer = self.ask(routes.START_SALE, body=body, expected=201, refusals=("flash-sale-overlaps",))
        self.sale = answer.body["id"] if answer.status == 201 else None

    def find_product(self) -> int | None:
        """The one of an earlier run that was ended before it could clean up."""
        answer = self.ask(routes.SEARCH, query={"q": ON_SALE, "limit": 5})
        items = answer.body["items"] if answer.complaint is None else []
        return next((item["id"] for item in items if item["name"]["en"] == ON_SALE), None)

    def add_product(self) -> int | None:
        """A product that nobody else sells, so that nobody else's stock is bought up."""
        name = {"en": ON_SALE, "ru": ON_SALE}
        price = {"amount": PRICE, "currency": "RUB"}
        body = {
            "name": name,
            "description": name,
            "category": "sweets",
            "price": price,
            "stock": self.settings.sale_stock,
        }
        answer = self.ask(routes.ADD_PRODUCT, body=body, expected=201)
        return answer.body["id"] if answer.complaint is None else None

    def on_stop(self) -> None:
        """The shop is left as it was found."""
        if self.sale:
            self.ask(routes.STOP_SALE, path={"sale_id": self.sale}, expected=204, refusals=("flash-sale-not-found",))
        if self.product:
            self.ask(routes.DELETE_PRODUCT, path={"id": self.product}, expected=204, refusals=("product-not-found",))
        self.sale = self.product = None
