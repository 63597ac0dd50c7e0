import unittest
from types import SimpleNamespace

from locust.stats import RequestStats

import export


def figures(names: int = 1) -> RequestStats:
    stats = RequestStats()
    for number in range(names):
        stats.log_request("GET", f"/a/{{id}}{number}", 120, 10)
    stats.log_request("GET", "/a/{id}0", 400, 10)
    stats.log_error("GET", "/a/{id}0", "500 internal")
    return stats


class Page(unittest.TestCase):
    def page(self, stats: RequestStats, state: str = "running") -> list[str]:
        return export.page(SimpleNamespace(user_count=7, state=state), stats).splitlines()

    def test_users_requests_failures_and_times_are_told_by_name(self) -> None:
        lines = self.page(figures())
        for line in (
            "locust_users 7",
            "locust_running 1",
            'locust_requests_total{name="/a/{id}0",method="GET"} 2',
            'locust_failures_total{name="/a/{id}0",method="GET"} 1',
            'locust_response_time_seconds{name="/a/{id}0",method="GET",quantile="0.99"} 0.4',
        ):
            self.assertIn(line, lines)

    def test_before_and_after_a_run_the_page_says_that_there_is_none(self) -> None:
        self.assertIn("locust_running 0", self.page(RequestStats(), "ready"))
        self.assertIn("locust_running 0", self.page(figures(), "stopped"))

    def test_there_are_only_so_many_series_and_none_of_the_counts_is_lost(self) -> None:
        lines = self.page(figures(names=500))
        counts = [line for line in lines if line.startswith("locust_requests_total{")]
        self.assertEqual(len(counts), export.MOST_NAMES + 1)
        self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in counts), 501)
        self.assertLess(len([line for line in lines if not line.startswith("#")]), 700)

    def test_a_name_can_not_break_out_of_its_label(self) -> None:
        stats = RequestStats()
        stats.log_request("GET", 'a"} 1\n\\', 1, 1)
        self.assertIn(r'locust_requests_total{name="a\"} 1\n\\",method="GET"} 1', self.page(stats))

    def test_every_metric_has_a_type_and_no_series_is_told_twice(self) -> None:
        lines = self.page(figures(names=3))
        typed = {line.split()[2] for line in lines if line.startswith("# TYPE")}
        series = [line.rsplit(" ", 1)[0] for line in lines if not line.startswith("#")]
        self.assertEqual({name.split("{")[0] for name in series}, typed)
        self.assertEqual(len(series), len(set(series)))
