"""The eight steps of a customer, the same as of the older shop, each with a look at whether the answer can be true.

A step that fails is counted under its route and leaves the customer where he was; the next one goes on from what the shop says then.
"""

import random
import time
import uuid
from typing import Any

import routes
from accounts import Account
from answer import Answer, complaint
from shop import ShopUser

PAGE = 20
LARGEST_CART = 8
NOT_FOR_SALE = ("out-of-stock", "product-not-found", "product-not-sold")
LINES_REFUSED = ("out-of-stock", "product-not-sold", "price-changed", "lines-refused", "cart-changed")
WANTED = ("apple", "bread", "chocolate", "яблоко", "milk", "fish")
TRIES = 4
"""So often a checkout is asked for under the same key until its end is known."""


class Steps(ShopUser):
    """A customer who knows how to shop."""

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.categories: list[str] = []
        self.on_shelf: list[int] = []
        """Products of the last pages that can be bought."""
        self.cart: dict[int, int] = {}
        """Pieces by product, as the shop told last."""
        self._first_product: int | None = None

    def register(self) -> Account | None:
        """Step 1: an account of one's own, under a name that nobody has."""
        self.line_up(self.scenario.doors.registrations)
        account = Account()
        body = {"username": account.username, "password": account.password, "full_name": "A Customer of the Load"}
        answer = self.ask(
            routes.REGISTER,
            body=body,
            expected=201,
            check=lambda user: None if user["username"] == account.username else "registered under another name",
            anonymous=True,
        )
        return account if answer.complaint is None else None

    def arrive(self) -> None:
        """Comes in as a visitor, puts something into a cart without an account, then registers, logs in (step 2), and finds it there."""
        self.browse_products()
        brought = self.fill_cart_without_account()
        while not self._has_session():
            self.wait()
        if brought:
            self.merge_cart(brought)
        self.read_cart()

    def _has_session(self) -> bool:
        """After a try to get what is missing of it."""
        self.account = self.account or self.scenario.accounts.take() or self.register()
        return self.account is not None and (self.account.session is not None or self.log_in())

    def pass_time(self, seconds: float) -> None:
        """Visitors look around while they wait; a customer whose login it is that is waited for can't."""
        if self.account is None:
            self.browse_products()
        super().pass_time(seconds)

    def leave(self) -> None:
        """Puts the account back, for who comes next."""
        if self.account:
            self.scenario.accounts.put_back(self.account)
            self.account = None

    def browse_products(self) -> None:
        """Step 3: a category, page by page, and some of its products."""
        if not self.categories:
            self.read_categories()
        if not self.categories:
            return
        if random.random() < 0.1:
            self.search()
            self.wait()
        category = random.choice(self.categories)
        page = self.read_page(category)
        while page and page.body["next_cursor"] and random.random() < 0.5:
            self.wait()
            query = {"category": category, "limit": PAGE, "cursor": page.body["next_cursor"]}
            page = self._page(routes.NEXT_PAGE, query)
        for product in self.choose(2):
            self.wait()
            self.look_at(product)

    def read_page(self, category: str) -> Answer | None:
        """The first page of a category."""
        return self._page(routes.CATEGORY, {"category": category, "limit": PAGE})

    def search(self) -> None:
        """Something by its name."""
        self._page(routes.SEARCH, {"q": random.choice(WANTED), "limit": PAGE})

    def hot_product(self) -> int | None:
        """The one product that everybody looks at."""
        if self.settings.hot_product is None and not self._first_product:
            self.read_categories()
            answer = self.read_page(self.categories[0]) if self.categories else None
            items = answer.body["items"] if answer else []
            self._first_product = items[0]["id"] if items else None
        return self.settings.hot_product or self._first_product

    def read_categories(self) -> None:
        """Which shelves there are."""
        answer = self.ask(routes.CATEGORIES, check=lambda body: None if body["categories"] else "no categories")
        if answer.complaint is None:
            self.categories = [category["slug"] for category in answer.body["categories"]]

    def choose(self, most: int) -> list[int]:
        """Some products of those that were seen."""
        return random.sample(self.on_shelf, min(most, len(self.on_shelf)))

    def look_at(self, product: int) -> Answer:
        """One product."""
        return self.ask(
            routes.PRODUCT,
            path={"id": product},
            refusals=NOT_FOR_SALE,
            check=lambda body: None if body["id"] == product and body["price"]["amount"] > 0 else "another product",
        )

    def add_to_cart(self, product: int) -> bool:
        """Step 4: one piece more; the shop must say that there is exactly one more now."""
        due = self.cart.get(product, 0) + 1

        def check(body: Any) -> str | None:
            line = body["line"]
            right = line["product_id"] == product and line["quantity"] == due
            return None if right else "another line than was added"

        body = {"product_id": product, "quantity": 1}
        key = str(uuid.uuid4())
        answer = self.ask(routes.ADD_TO_CART, body=body, key=key, refusals=NOT_FOR_SALE, check=check)
        if answer.complaint:
            self.read_cart(adopt=True)
        elif answer.status == 200:
            self.cart[product] = due
            return True
        return False

    def manage_cart(self) -> None:
        """Step 5: adds, looks, makes it more of one and none of another."""
        for product in self.choose(1) if len(self.cart) < LARGEST_CART else []:
            self.add_to_cart(product)
            self.wait()
        self.read_cart()
        if self.cart:
            self.wait()
            self.set_quantity(random.choice(list(self.cart)), random.randint(1, 3))
        if len(self.cart) > 2:
            self.wait()
            self.remove(random.choice(list(self.cart)))

    def read_cart(self, adopt: bool = False) -> None:
        """The cart holds what was put into it, unless one is not sure of that oneself."""
        due = dict(self.cart)
        known = not adopt and bool(due)
        check = (lambda body: None if _pieces(body) == due else "another cart than was filled") if known else _is_cart
        answer = self.ask(routes.CART, check=check)
        if answer.status == 200 and complaint(answer, 200, (), _is_cart) is None:
            self.cart = _pieces(answer.body)

    def set_quantity(self, product: int, quantity: int) -> None:
        """So many pieces of a product."""
        answer = self.ask(
            routes.SET_ITEM,
            path={"product_id": product},
            body={"quantity": quantity},
            refusals=NOT_FOR_SALE,
            check=lambda body: None if body["line"]["quantity"] == quantity else "another quantity than was set",
        )
        if answer.status == 200:
            self.cart[product] = quantity
        elif answer.complaint is None:
            self.remove(product)

    def remove(self, product: int) -> None:
        """None of a product."""
        answer = self.ask(routes.REMOVE_ITEM, path={"product_id": product}, expected=204)
        if answer.complaint is None:
            self.cart.pop(product, None)

    def place_order(self) -> None:
        """Steps 6 to 8: checks out, watches the order, reads the profile."""
        for product in self.choose(2) if not self.cart else []:
            self.add_to_cart(product)
        if self.cart and (order := self.check_out()):
            self.watch_order(order)
            self.wait()
            self.read_profile(order)

    def check_out(self) -> str | None:
        """Step 6: orders what is in the cart, under a key, so that asking again never orders twice."""
        due, key = dict(self.cart), str(uuid.uuid4())
        for _ in range(TRIES):
            answer = self.ask(
                routes.CHECKOUT,
                key=key,
                expected=201,
                refusals=(*LINES_REFUSED, "checkout-in-flight"),
                check=lambda body: (
                    None if _pieces(body) == due and body["order_id"] else "another order than was asked for"
                ),
            )
            if answer.status == 201:
                self.cart = {}
                return answer.body["order_id"]
            if answer.is_problem(*LINES_REFUSED):
                self._take_out(answer)
                return None
            if not (answer.status in (0, 503) or answer.is_problem("checkout-in-flight")):
                break
            self.wait()
        self.read_cart(adopt=True)
        return None

    def watch_order(self, order: str) -> None:
        """Step 7: looks until it is on its way, which it must be in good time."""
        until = time.monotonic() + self.settings.order_patience

        def check(body: Any) -> str | None:
            if body["id"] != order or body["history"][-1]["to"] != body["status"]:
                return "another order, or no way to its state"
            return "it does not move" if body["status"] == "CREATED" and time.monotonic() > until else None

        while True:
            self.wait()
            answer = self.ask(routes.ORDER, path={"id": order}, check=check)
            if (answer.status == 200 and answer.body["status"] != "CREATED") or time.monotonic() > until:
                return

    def read_profile(self, order: str | None = None) -> None:
        """Step 8: who one is, with cart and orders, the last one among them."""
        username = self.account.username if self.account else ""

        def check(body: Any) -> str | None:
            if body["user"]["username"] != username:
                return "another customer"
            if body["unavailable"]:
                return "a profile with gaps"
            return None if order in (None, *(each["id"] for each in body["orders"])) else "without the last order"

        self.ask(routes.PROFILE, check=check)

    def fill_cart_without_account(self) -> int | None:
        """A product for the cart of a cookie; none if there is nothing to buy."""
        for product in self.choose(1):
            self.line_up(self.scenario.doors.carts)
            if self.add_to_cart(product):
                return product
        return None

    def merge_cart(self, brought: int) -> None:
        """What was in the cookie's cart is the customer's now, or it is said that it found no place."""

        def check(body: Any) -> str | None:
            told = [line["product_id"] for line in (*body["merged"], *body["left_out"])]
            return None if brought in told else "what was in the cart is lost"

        self.ask(routes.MERGE_CART, body={}, check=check)
        self.cart = {}

    def _page(self, route: routes.Route, query: dict[str, object]) -> Answer | None:
        answer = self.ask(route, query=query, check=lambda body: _is_page(body, query.get("category")))
        if answer.complaint:
            return None
        on_shelf = [item["id"] for item in answer.body["items"] if item["stock"] > 0]
        self.on_shelf = (on_shelf + self.on_shelf)[: 2 * PAGE]
        return answer

    def _take_out(self, answer: Answer) -> None:
        """What can't be ordered leaves the cart."""
        lines = answer.body.get("lines") or []
        products = [line["product_id"] for line in lines] + list(answer.body.get("product_ids") or [])
        for product in products or list(self.cart):
            self.remove(product)


def _pieces(body: Any) -> dict[int, int]:
    return {line["product_id"]: line["quantity"] for line in body["lines"]}


def _is_cart(body: Any) -> str | None:
    total = sum(line["line_total"]["amount"] for line in body["lines"])
    return None if total == body["total"]["amount"] else "the total is not the sum of the lines"


def _is_page(body: Any, category: object) -> str | None:
    items, _ = body["items"], body["next_cursor"]
    strange = category and any(item["category"] != category for item in items)
    if strange or len(items) > PAGE:
        return "products of another category, or too many"
    return None if all(item["id"] > 0 and item["stock"] >= 0 for item in items) else "less than no stock"
