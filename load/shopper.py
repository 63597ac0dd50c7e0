"""A customer who shops as people do."""

import random
import time

from locust import task

import routes
from administrator import ON_SALE
from settings import Shape
from steps import Steps


class Shopper(Steps):
    """Browses ten times, manages the cart five times and orders once, as those of the older shop did."""

    abstract = True

    in_a_hurry = False

    def wait_time(self) -> float:
        """Looks at what came; a fifth of that while there is something to be had."""
        return random.uniform(*self.settings.think) * (0.2 if self.in_a_hurry else 1)

    def on_start(self) -> None:
        """Comes in."""
        self.arrive()

    def on_stop(self) -> None:
        """Leaves the account for another."""
        self.leave()

    @task(10)
    def browse(self) -> None:
        """Looks around; in a flash sale for what is on sale, in a hot key at what everybody looks at."""
        match self.settings.shape:
            case Shape.FLASH_SALE if self.rush():
                return
            case Shape.HOT_KEY if (product := self.hot_product()) is not None and random.random() < 0.9:
                self.look_at(product)
            case _:
                self.browse_products()

    @task(5)
    def fill_cart(self) -> None:
        """Changes the cart."""
        self.come_back_if_forgotten()
        self.manage_cart()

    @task(1)
    def order(self) -> None:
        """Buys; one in five goes home after that and comes back as a visitor, if the shop lets so many in."""
        self.come_back_if_forgotten()
        self.place_order()
        if random.random() < 0.2 and self.account and self.scenario.doors.carts.has_room(time.monotonic()):
            self.log_out()
            self.arrive()

    def log_out(self) -> None:
        """Ends the session. The account stays this customer's."""
        if self.account and self.ask(routes.LOG_OUT, expected=204).complaint is None:
            account, self.account = self.account, None
            account.session, self.cart = None, {}
            self.scenario.accounts.put_back(account)

    def come_back_if_forgotten(self) -> None:
        """A shop that was set up anew knows none of its customers."""
        if self.account is None:
            self.arrive()

    def rush(self) -> bool:
        """Buys what is on sale, if something is, and there is some left of it."""
        answer = self.ask(
            routes.FLASH_SALES, check=lambda body: None if all(sale["id"] for sale in body["items"]) else "no sales"
        )
        sales = answer.body["items"] if answer.complaint is None else []
        ours = [sale["product_id"] for sale in sales if sale["state"] == "running" and sale["name"]["en"] == ON_SALE]
        self.in_a_hurry = bool(ours)
        for product in ours[:1]:
            answer = self.look_at(product)
            self.wait()
            if answer.status == 200 and answer.body["stock"] > 0 and self.add_to_cart(product):
                self.check_out()
        return self.in_a_hurry
