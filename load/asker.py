"""A customer who asks one service, or all four in turn, so many times a second: for what the shop promises of a service.

These don't think; they keep their pace, also when an answer was slow (as far as one connection can), so that a slow shop is not spared.
"""

import random

from locust import constant_throughput, task

import routes
from settings import Mix
from steps import Steps


ARRIVED = "arrived"
"""Said to whoever leads the run, in this process or another."""


class Asker(Steps):
    """Logged in, with a cart and an order to ask for."""

    abstract = True

    def wait_time(self) -> float:
        """So many requests a second, each of which is a task."""
        return constant_throughput(self.settings.pace)(self)

    def on_start(self) -> None:
        """Comes in, orders once, and says so: nothing is measured before everybody is there."""
        self.arrive()
        self.order_id: str | None = None
        for product in self.choose(2):
            self.add_to_cart(product)
        self.order_id = self.check_out() if self.cart else None
        for product in self.choose(2):
            self.add_to_cart(product)
        self.environment.runner.send_message(ARRIVED)

    def on_stop(self) -> None:
        """Leaves the account for another."""
        self.leave()

    @task
    def ask_a_service(self) -> None:
        """One request."""
        match self.settings.mix:
            case Mix.CATALOG:
                self.ask_catalog()
            case Mix.CART:
                self.ask_cart()
            case Mix.ORDER:
                self.ask_order()
            case Mix.USER:
                self.ask_user()
            case _:
                random.choice((self.ask_catalog, self.ask_cart, self.ask_order, self.ask_user))()

    def ask_catalog(self) -> None:
        """Mostly products, and pages of categories."""
        if random.random() < 0.7 and self.on_shelf:
            self.look_at(random.choice(self.on_shelf))
        elif self.categories:
            self.read_page(random.choice(self.categories))

    def ask_cart(self) -> None:
        """Mostly reads; a cart that neither grows nor shrinks for long."""
        chance = random.random()
        if chance < 0.7 or not self.on_shelf:
            self.read_cart()
        elif chance < 0.85:
            self.add_or_remove(random.choice(self.on_shelf))
        elif self.cart:
            self.set_quantity(random.choice(list(self.cart)), random.randint(1, 3))

    def add_or_remove(self, product: int) -> None:
        """Adds while there is room."""
        if len(self.cart) < 4:
            self.add_to_cart(product)
        else:
            self.remove(next(iter(self.cart)))

    def ask_order(self) -> None:
        """One's orders, or the one."""
        if self.order_id and random.random() < 0.7:
            self.ask(routes.ORDER, path={"id": self.order_id})
        else:
            self.ask(routes.ORDERS, query={"limit": 10})

    def ask_user(self) -> None:
        """Who one is, now and then with cart and orders."""
        if random.random() < 0.9:
            self.ask(routes.ME)
        else:
            self.read_profile()
