"""A shop of a few products in memory, which answers what the scenarios ask in the form that the real one does, and can be told to fail."""

import json
import re
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PRICE: dict[str, Any] = {"amount": 250, "currency": "RUB"}


class StubShop:
    """Listens on a port of its own until it is closed."""

    def __init__(self, failing: str | None = None) -> None:
        self.failing = failing
        """What every address that begins like this answers 500 to."""
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.carts: dict[str, dict[int, int]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.lock = Lock()

        class Handler(_Handler):
            shop = self

        self.server = _Server(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        """Ends it."""
        self.server.shutdown()
        self.server.server_close()

    def cart(self, owner: str) -> dict[str, Any]:
        """A cart as the shop tells it."""
        lines = [line(product, quantity) for product, quantity in self.carts.get(owner, {}).items()]
        total = {"amount": sum(each["line_total"]["amount"] for each in lines), "currency": "RUB"}
        return {"version": 1, "lines": lines, "unavailable": [], "total": total, "currency": "RUB"}


def line(product: int, quantity: int) -> dict[str, Any]:
    """A line of a cart."""
    total = {"amount": PRICE["amount"] * quantity, "currency": "RUB"}
    return {"product_id": product, "quantity": quantity, "unit_price": PRICE, "line_total": total, "stock": 1000}


def product(number: int) -> dict[str, Any]:
    """A product."""
    return {"id": number, "category": "fruit", "price": PRICE, "stock": 1000, "name": {"en": f"Apple {number}"}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Customers who go home in the middle of a request are none of its business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    shop: StubShop

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.respond()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def respond(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self.sent = self.rfile.read(length).decode()
        url = urlsplit(self.path)
        with self.shop.lock:
            self.shop.asked.append((self.command, url.path, dict(self.headers.items())))
            if self.shop.failing and url.path.startswith(self.shop.failing):
                status, body = 500, {"type": "https://shopkeeper.dev/problems/internal"}
            else:
                status, body = self.route(f"{self.command} {url.path}", parse_qs(url.query))
        payload = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(payload)))
        if self.command == "POST" and url.path == "/cart-api/cart/items" and "authorization" not in self.headers:
            self.send_header("set-cookie", f"{self.guest()}; Path=/; HttpOnly")
        self.end_headers()
        self.wfile.write(payload)

    def owner(self) -> str:
        return self.headers.get("authorization") or self.guest()

    def guest(self) -> str:
        self.new_guest = getattr(self, "new_guest", f"shop_cart={uuid.uuid4()}")
        return self.headers.get("cookie") or self.new_guest

    def json(self) -> Any:
        return json.loads(self.sent)

    def route(self, asked: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        shop, owner = self.shop, self.owner()
        cart = shop.carts.setdefault(owner, {})
        match asked:
            case "GET /api/products/categories/list":
                return 200, {"categories": [{"slug": "fruit"}]}
            case "GET /api/products":
                first = int(query.get("cursor", ["1"])[0])
                following = str(first + 20) if first < 60 else None
                return 200, {"items": [product(first + place) for place in range(20)], "next_cursor": following}
            case "POST /user-api/users/register":
                return 201, {"username": self.json()["username"]}
            case "POST /user-api/token":
                name = parse_qs(self.sent)["username"][0]
                return 200, {"access_token": name, "refresh_token": "r", "expires_in": 900}
            case "GET /cart-api/cart":
                return 200, shop.cart(owner)
            case "POST /cart-api/cart/items":
                number = self.json()["product_id"]
                cart[number] = cart.get(number, 0) + 1
                return 200, {"version": 1, "line": line(number, cart[number])}
            case "POST /cart-api/cart/merge":
                merged = [
                    {"product_id": number, "quantity": count}
                    for number, count in shop.carts.pop(self.guest(), {}).items()
                ]
                for item in merged:
                    cart[item["product_id"]] = cart.get(item["product_id"], 0) + item["quantity"]
                return 200, {"version": 1, "merged": merged, "left_out": []}
            case "POST /cart-api/cart/checkout":
                order, lines = str(uuid.uuid4()), shop.cart(owner)["lines"]
                shop.orders[order], shop.carts[owner] = {"id": order, "owner": owner}, {}
                return 201, {"order_id": order, "status": "CREATED", "lines": lines}
            case "GET /user-api/users/me/profile":
                orders = [each for each in shop.orders.values() if each["owner"] == owner]
                user = {"username": owner.removeprefix("Bearer ")}
                return 200, {"user": user, "cart": None, "orders": orders, "unavailable": []}
            case "GET /order-api/orders":
                return 200, {"items": list(shop.orders.values()), "next_cursor": None}
            case "POST /user-api/logout":
                return 204, None
        return self.route_of_one(asked, cart)

    def route_of_one(self, asked: str, cart: dict[int, int]) -> tuple[int, Any]:
        if found := re.fullmatch(r"GET /api/products/(\d+)", asked):
            return 200, product(int(found[1]))
        if found := re.fullmatch(r"PUT /cart-api/cart/items/(\d+)", asked):
            cart[int(found[1])] = self.json()["quantity"]
            return 200, {"version": 1, "line": line(int(found[1]), cart[int(found[1])])}
        if found := re.fullmatch(r"DELETE /cart-api/cart/items/(\d+)", asked):
            cart.pop(int(found[1]), None)
            return 204, None
        if found := re.fullmatch(r"GET /order-api/orders/(\S+)", asked):
            return 200, {"id": found[1], "status": "PROCESSING", "history": [{"to": "PROCESSING"}]}
        return 404, {"type": "https://shopkeeper.dev/problems/not-found"}
