import random
import unittest
from collections import Counter
from typing import Any

import routes
import tracing
from answer import Answer, complaint


def _has_quantity(body: Any) -> str | None:
    return None if body["line"]["quantity"] else "none"


class Names(unittest.TestCase):
    def test_a_name_is_a_template_whatever_is_asked_for(self) -> None:
        self.assertEqual(routes.PRODUCT.name, "/api/products/{id}")
        self.assertEqual(routes.PRODUCT.path({"id": 7}), "/api/products/7")
        self.assertEqual(routes.CATEGORY.name, "/api/products?category")
        self.assertEqual(
            routes.CATEGORY.path(query={"category": "fruit", "limit": 20}), "/api/products?category=fruit&limit=20"
        )

    def test_what_comes_from_an_answer_stays_within_its_place(self) -> None:
        self.assertEqual(routes.ORDER.path({"id": "../x?y"}), "/order-api/orders/..%2Fx%3Fy")

    def test_names_are_few_and_each_has_one_route_of_one_service(self) -> None:
        self.assertLess(len(routes.ALL), 50)
        self.assertEqual(Counter((route.method, route.name) for route in routes.ALL).most_common(1)[0][1], 1)
        for route in routes.ALL:
            self.assertIs(routes.known(route.method, route.name), route)
            self.assertIn(route.service, routes.SERVICES)


class Failures(unittest.TestCase):
    def test_a_failure_has_the_name_of_a_problem_and_nothing_else_of_the_body(self) -> None:
        body = {"type": "https://shopkeeper.dev/problems/timeout", "detail": "request 8f0c", "instance": "8f0c"}
        self.assertEqual(complaint(Answer(503, body), 200, (), None), "503 timeout")
        self.assertEqual(complaint(Answer(500, {"type": "/8F0C-17 <b>"}), 200, (), None), "500")
        self.assertEqual(complaint(Answer(0, error="TimeoutError"), 200, (), None), "no answer: TimeoutError")

    def test_a_refusal_that_is_part_of_shopping_is_no_failure_but_the_same_words_with_200_are_not_one(self) -> None:
        body = {"type": "https://shopkeeper.dev/problems/out-of-stock"}
        self.assertIsNone(complaint(Answer(409, body), 200, ("out-of-stock",), None))
        self.assertEqual(complaint(Answer(200, body), 201, ("out-of-stock",), None), "200 out-of-stock")
        self.assertEqual(complaint(Answer(409, body), 200, (), None), "409 out-of-stock")

    def test_a_body_without_what_must_be_in_it_is_a_failure(self) -> None:
        bodies: tuple[object, ...] = (None, [], {}, {"line": None})
        for body in bodies:
            found = complaint(Answer(200, body), 200, (), _has_quantity)
            self.assertEqual(found, "something is missing in the body")


class Traces(unittest.TestCase):
    def test_a_trace_is_of_the_form_that_the_standard_has(self) -> None:
        for _ in range(100):
            self.assertRegex(tracing.traceparent(0.5), r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]$")

    def test_so_many_are_kept_as_the_ratio_says(self) -> None:
        source = random.Random(7)
        kept = sum(tracing.traceparent(0.25, source).endswith("-01") for _ in range(4000))
        self.assertTrue(900 < kept < 1100, kept)
        self.assertTrue(tracing.traceparent(0.0).endswith("-00") and tracing.traceparent(1.0).endswith("-01"))
