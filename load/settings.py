"""What a run is told by its environment, read once and checked.

How many users there are, how fast they come and for how long is told by Locust's own options (`--users`, `--spawn-rate`, `--run-time`,
or `LOCUST_USERS`, …) and is not repeated here.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Shape(StrEnum):
    """How the load changes over time, and what it is aimed at."""

    STEADY = "Steady"
    COLD_CACHE = "ColdCache"
    HOT_KEY = "HotKey"
    FLASH_SALE = "FlashSale"
    SOAK = "Soak"


class Mix(StrEnum):
    """What the customers do: shop as people do, or ask one service, or all four, as often as they are told to."""

    SHOP = "Shop"
    EVEN = "Even"
    CATALOG = "Catalog"
    CART = "Cart"
    ORDER = "Order"
    USER = "User"


class SettingsError(Exception):
    """A variable of the environment makes no sense; the message says what to write."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, with its default."""

    shape: Shape = Shape.STEADY
    mix: Mix = Mix.SHOP
    """SHAPE Steady only: the other shapes are about shopping."""
    think: tuple[float, float] = (0.5, 2.5)
    """THINK: seconds that a customer looks at an answer, at least and at most."""
    pace: float = 1.0
    """PACE: requests a second of each customer of the mixes that ask services."""
    trace_ratio: float = 0.1
    """TRACE_RATIO: which part of the requests begins a trace that is kept."""
    admin_username: str = "admin"
    admin_password: str = "admin123"
    """ADMIN_USERNAME, ADMIN_PASSWORD: who forgets caches and starts sales; those of the demo shop."""
    hot_product: int | None = None
    """HOT_PRODUCT: the one that everybody looks at; the first of the first category without it."""
    sale_stock: int = 500
    """SALE_STOCK: pieces that there are in each flash sale."""
    order_patience: float = 60.0
    """ORDER_PATIENCE: seconds within which an order must have left CREATED."""
    client_addresses: ipaddress.IPv4Network | None = None
    """CLIENT_ADDRESSES: customers say that they come from this range. Believed only if the shop trusts the generator as a proxy."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process. What is left out or empty has its default."""

    def read(name: str, parse: Callable[[str], T], default: T) -> T:
        text = environment.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            raise SettingsError(f"{name}={text!r}: {error}") from None

    default = Settings()
    settings = Settings(
        shape=read("SHAPE", _one_of(Shape), default.shape),
        mix=read("MIX", _one_of(Mix), default.mix),
        think=read("THINK", _span, default.think),
        pace=read("PACE", _positive, default.pace),
        trace_ratio=read("TRACE_RATIO", _ratio, default.trace_ratio),
        admin_username=read("ADMIN_USERNAME", str, default.admin_username),
        admin_password=read("ADMIN_PASSWORD", str, default.admin_password),
        hot_product=read("HOT_PRODUCT", _count, default.hot_product),
        sale_stock=read("SALE_STOCK", _count, default.sale_stock),
        order_patience=read("ORDER_PATIENCE", _positive, default.order_patience),
        client_addresses=read("CLIENT_ADDRESSES", _network, default.client_addresses),
    )
    if settings.mix is not Mix.SHOP and settings.shape is not Shape.STEADY:
        raise SettingsError(f"MIX={settings.mix} goes with SHAPE=Steady only; leave one of them out")
    return settings


def duration(text: str) -> float:
    """Seconds of `500ms`, `2s`, `1.5m` or `1h`."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if not found:
        raise ValueError("write a number and ms, s, m or h, such as 500ms")
    return float(found[1]) * units[found[2]]


def number(text: str) -> float:
    """A number that is not negative."""
    value = float(text) if re.fullmatch(r"\d*\.?\d+", text) else -1.0
    if value < 0:
        raise ValueError("write a number from 0 on, such as 0.5")
    return value


def _one_of(words: type[Shape] | type[Mix]) -> Callable[[str], T]:
    def parse(text: str):
        for word in words:
            if word.lower() == text.lower():
                return word
        raise ValueError(f"write one of {', '.join(words)}")

    return parse


def _span(text: str) -> tuple[float, float]:
    least, _, most = text.partition(",")
    span = (number(least.strip()), number((most or least).strip()))
    if span[0] > span[1]:
        raise ValueError("write the shorter time first, such as 0.5,2.5")
    return span


def _positive(text: str) -> float:
    value = number(text)
    if value == 0:
        raise ValueError("write a number above 0")
    return value


def _ratio(text: str) -> float:
    value = number(text)
    if value > 1:
        raise ValueError("write a number from 0 to 1, such as 0.1")
    return value


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise ValueError("write a whole number from 1 on")
    return int(text)


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        raise ValueError("write a range of IPv4 addresses, such as 198.18.0.0/15") from None
