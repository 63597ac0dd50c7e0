"""Locust itself, without a page, against a shop in memory."""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import routes
from tests.stub_shop import StubShop

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"


def run(shop: StubShop, **environment: str) -> subprocess.CompletedProcess[str]:
    """A few customers in a hurry for some seconds."""
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", shop.url]
    command += ["--users", "4", "--spawn-rate", "20", "--run-time", "3s", "--only-summary"]
    quick = {"THINK": "0.001,0.005", "LEVEL_RATE": "1", "LEVEL_P99": "5s", "LEVEL_P95": "5s", "TRACE_RATIO": "0.5"}
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("LOCUST_", "LEVEL_"))}
    return subprocess.run(command, env={**keep, **quick, **environment}, capture_output=True, text=True, timeout=60)


class Run(unittest.TestCase):
    def setUp(self) -> None:
        self.shop = StubShop()
        self.addCleanup(self.shop.close)

    def test_a_run_that_meets_its_levels_ends_with_0_and_has_taken_every_step(self) -> None:
        ended = run(self.shop, LEVEL_RATE_ORDER="0.1")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        asked = {f"{method} {re.sub(r'/[0-9][0-9a-f-]*', '/{}', path)}" for method, path, _ in self.shop.asked}
        steps = [routes.REGISTER, routes.LOG_IN, routes.PRODUCT, routes.CART, routes.ADD_TO_CART, routes.SET_ITEM]
        steps += [routes.REMOVE_ITEM, routes.MERGE_CART, routes.CHECKOUT, routes.ORDER, routes.PROFILE]
        for step in steps:
            self.assertIn(f"{step.method} {re.sub(r'{.*?}', '{}', step.template)}", asked)

    def test_a_level_that_is_missed_is_exit_code_1_and_is_named(self) -> None:
        ended = run(self.shop, LEVEL_RATE_USER="100000")
        self.assertEqual(ended.returncode, 1, ended.stdout + ended.stderr)
        self.assertRegex(ended.stderr + ended.stdout, r"good answers of user +>= 100000/s +[0-9.]+/s +MISSED")

    def test_failures_of_the_shop_are_failures_of_the_run_and_told_with_their_trace(self) -> None:
        self.shop.failing = "/cart-api/"
        ended = run(self.shop)
        self.assertEqual(ended.returncode, 1, ended.stdout + ended.stderr)
        self.assertRegex(ended.stderr + ended.stdout, r"POST /cart-api/cart/items: 500 internal \(trace [0-9a-f]{32}\)")

    def test_every_request_has_a_trace_a_mark_that_it_is_synthetic_and_posts_that_count_have_a_key(self) -> None:
        run(self.shop)
        self.assertTrue(self.shop.asked)
        for method, path, sent in self.shop.asked:
            headers = {name.lower(): value for name, value in sent.items()}
            self.assertRegex(headers["traceparent"], r"^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$")
            self.assertEqual(headers["baggage"], "synthetic_request=true")
            self.assertNotIn("x-forwarded-for", headers)
            if (method, path) in (("POST", routes.ADD_TO_CART.template), ("POST", routes.CHECKOUT.template)):
                self.assertRegex(headers["idempotency-key"], r"^[0-9a-f-]{36}$")

    def test_who_asks_one_service_is_measured_from_when_all_are_there_and_only_by_what_is_asked_of_it(self) -> None:
        ended = run(self.shop, MIX="Order", PACE="20")
        told = ended.stdout + ended.stderr
        self.assertEqual(ended.returncode, 0, told)
        self.assertIn("all 4 customers are there: measuring begins", told)
        self.assertRegex(told, r"good answers of order +>= 1/s +[0-9.]+/s +met")
        self.assertRegex(told, r"P95 of GET /order-api/orders/\{id\} ")
        self.assertNotRegex(told, r"P9[59] of \w+ /(user|cart)-api")

    def test_a_variable_that_makes_no_sense_is_told_of_before_anything_is_asked(self) -> None:
        ended = run(self.shop, SHAPE="Sawtooth")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("write one of Steady, ColdCache, HotKey, FlashSale, Soak", ended.stderr)
        self.assertEqual(self.shop.asked, [])
