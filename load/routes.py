"""The routes that are asked, each under the one name that it has in Locust's figures.

A name is a route's template and never an address with a product or an order in it: there are as many names as there are lines here.
"""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote, urlencode


class Level(Enum):
    """Which promise holds for a route."""

    CRITICAL = "P99"
    ORDINARY = "P95"
    NONE = "none"
    """Asked now and then by an administrator: counted, but nothing is promised of how long it takes."""


@dataclass(frozen=True)
class Route:
    """A route of a service."""

    method: str
    template: str
    service: str
    level: Level = Level.ORDINARY
    label: str = ""
    """Tells apart what is asked of the same route but costs something else."""

    @property
    def name(self) -> str:
        """The name in the figures."""
        return f"{self.template}{self.label}"

    def path(self, values: dict[str, object] | None = None, query: dict[str, object] | None = None) -> str:
        """The address, with these values in the template's places."""
        path = self.template.format(**{name: quote(str(value), safe="") for name, value in (values or {}).items()})
        return f"{path}?{urlencode(query)}" if query else path


CATEGORIES = Route("GET", "/api/products/categories/list", "catalog")
CATEGORY = Route("GET", "/api/products", "catalog", label="?category")
NEXT_PAGE = Route("GET", "/api/products", "catalog", label="?category&cursor")
SEARCH = Route("GET", "/api/products", "catalog", label="?q")
PRODUCT = Route("GET", "/api/products/{id}", "catalog")
BESTSELLERS = Route("GET", "/api/bestsellers", "catalog")
FLASH_SALES = Route("GET", "/api/flash-sales", "catalog")

CART = Route("GET", "/cart-api/cart", "cart")
ADD_TO_CART = Route("POST", "/cart-api/cart/items", "cart", Level.CRITICAL)
SET_ITEM = Route("PUT", "/cart-api/cart/items/{product_id}", "cart")
REMOVE_ITEM = Route("DELETE", "/cart-api/cart/items/{product_id}", "cart")
MERGE_CART = Route("POST", "/cart-api/cart/merge", "cart")
CHECKOUT = Route("POST", "/cart-api/cart/checkout", "cart", Level.CRITICAL)

ORDERS = Route("GET", "/order-api/orders", "order")
ORDER = Route("GET", "/order-api/orders/{id}", "order")

REGISTER = Route("POST", "/user-api/users/register", "user", Level.CRITICAL)
LOG_IN = Route("POST", "/user-api/token", "user", Level.CRITICAL)
REFRESH = Route("POST", "/user-api/token/refresh", "user")
LOG_OUT = Route("POST", "/user-api/logout", "user")
ME = Route("GET", "/user-api/users/me", "user")
PROFILE = Route("GET", "/user-api/users/me/profile", "user")

INVALIDATE = Route("POST", "/api/cache/invalidate", "catalog", Level.NONE)
ADD_PRODUCT = Route("POST", "/api/products", "catalog", Level.NONE)
CHANGE_PRODUCT = Route("PATCH", "/api/products/{id}", "catalog", Level.NONE)
DELETE_PRODUCT = Route("DELETE", "/api/products/{id}", "catalog", Level.NONE)
START_SALE = Route("POST", "/api/flash-sales", "catalog", Level.NONE)
STOP_SALE = Route("DELETE", "/api/flash-sales/{sale_id}", "catalog", Level.NONE)

ALL: tuple[Route, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Route))
SERVICES: tuple[str, ...] = ("catalog", "cart", "order", "user")


def known(method: str, name: str) -> Route | None:
    """The route of this name."""
    return _BY_NAME.get((method, name))


_BY_NAME = {(route.method, route.name): route for route in ALL}
