import unittest

import levels
import routes
from levels import Levels, Measured, Verdict, from_environment, is_missed, judge
from settings import Mix, SettingsError

NO_RATES = Levels(rates={})


def measured(route=routes.PRODUCT, requests=1000, failures=0, p95=0.05, p99=0.1) -> Measured:
    return Measured(route, requests, failures, p95, p99)


class Verdicts(unittest.TestCase):
    def verdict(self, figures: list[Measured], asked: Levels = NO_RATES) -> bool:
        return is_missed(judge(figures, 10, asked))

    def test_a_good_run_misses_nothing(self) -> None:
        self.assertFalse(self.verdict([measured(), measured(routes.CHECKOUT)]))

    def test_one_error_in_a_thousand_is_allowed_and_two_are_not(self) -> None:
        self.assertFalse(self.verdict([measured(failures=1)]))
        self.assertTrue(self.verdict([measured(failures=2)]))

    def test_errors_under_a_name_that_is_no_route_count_too(self) -> None:
        self.assertTrue(self.verdict([measured(), measured(None, failures=500)]))

    def test_what_matters_most_is_held_to_its_p99_and_everything_else_to_its_p95(self) -> None:
        self.assertTrue(self.verdict([measured(routes.CHECKOUT, p99=0.5)]))
        self.assertFalse(self.verdict([measured(routes.CHECKOUT, p95=0.4, p99=0.49)]))
        self.assertTrue(self.verdict([measured(routes.PRODUCT, p95=0.2)]))
        self.assertFalse(self.verdict([measured(routes.PRODUCT, p95=0.19, p99=3.0)]))

    def test_a_few_answers_tell_nothing_of_a_percentile(self) -> None:
        rows = judge([measured(routes.CHECKOUT, requests=99, p99=9.0)], 10, NO_RATES)
        self.assertEqual([row.verdict for row in rows], [Verdict.MET, Verdict.UNKNOWN])

    def test_a_run_without_a_request_is_missed(self) -> None:
        self.assertTrue(self.verdict([]))

    def test_a_service_must_give_so_many_good_answers_a_second(self) -> None:
        asked = Levels(rates={"catalog": 100})
        self.assertFalse(self.verdict([measured(requests=1000)], asked))
        self.assertTrue(self.verdict([measured(requests=1000, failures=1)], asked))
        self.assertTrue(self.verdict([measured(routes.CART, requests=9000)], asked))
        self.assertTrue(is_missed(judge([measured()], 0, asked)))

    def test_the_table_has_a_line_for_each_level_and_says_which_was_missed(self) -> None:
        text = levels.table(judge([measured(p95=0.3)], 10, Levels(rates={"catalog": 50})))
        self.assertRegex(text, r"P95 of GET /api/products/\{id\} +< 200 ms +300 ms of 1000 +MISSED")
        self.assertEqual(len(text.splitlines()), 2 + 3)


class Asked(unittest.TestCase):
    def test_the_promises_of_the_older_shop_are_the_default(self) -> None:
        self.assertEqual(from_environment(Mix.SHOP, {}), Levels(0.5, 0.2, 0.001, dict.fromkeys(routes.SERVICES, 500.0)))

    def test_a_rate_can_be_asked_of_all_services_or_of_one(self) -> None:
        rates = from_environment(Mix.EVEN, {"LEVEL_RATE": "0", "LEVEL_RATE_CART": "20"}).rates
        self.assertEqual(rates, {"catalog": 0, "cart": 20, "order": 0, "user": 0})

    def test_who_asks_one_service_is_held_to_a_rate_of_that_one(self) -> None:
        self.assertEqual(from_environment(Mix.ORDER, {}).rates, {"order": 500.0})

    def test_a_level_that_makes_no_sense_is_refused(self) -> None:
        for name, text in {"LEVEL_P99": "500", "LEVEL_ERRORS": "few", "LEVEL_RATE": "-1"}.items():
            with self.subTest(name), self.assertRaises(SettingsError):
                from_environment(Mix.SHOP, {name: text})
