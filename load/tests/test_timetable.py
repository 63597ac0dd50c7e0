import unittest

from settings import Shape
from timetable import CACHES, CALM, QUIET, SALE, WAVE, Act, Plan, deeds, users_at

PLAN = Plan(users=100, spawn_rate=10)


class Timetable(unittest.TestCase):
    def test_every_shape_ends_when_its_time_is_over_and_not_before(self) -> None:
        plan = Plan(100, 10, run_time=900)
        for shape in Shape:
            with self.subTest(shape):
                self.assertIsNotNone(users_at(shape, plan, 899.9))
                self.assertIsNone(users_at(shape, plan, 900))
                self.assertIsNotNone(users_at(shape, PLAN, 1e6))

    def test_no_shape_ever_has_nobody_or_more_users_than_were_asked_for(self) -> None:
        for shape in Shape:
            for plan in (PLAN, Plan(1, 0.5)):
                for second in range(2000):
                    users, rate = users_at(shape, plan, second) or (0, 0)
                    self.assertTrue(1 <= users <= plan.users and rate >= plan.spawn_rate, (shape, plan, second))

    def test_the_crowd_is_small_until_the_sale_begins_and_then_all_of_it_is_there_at_once(self) -> None:
        begin = PLAN.arrival + QUIET
        few, crowd = users_at(Shape.FLASH_SALE, PLAN, begin - 1), users_at(Shape.FLASH_SALE, PLAN, begin)
        self.assertEqual((few, crowd), ((25, 10), (100, 20)))
        self.assertEqual(users_at(Shape.FLASH_SALE, PLAN, begin + SALE), few)
        self.assertEqual(users_at(Shape.FLASH_SALE, PLAN, begin + SALE + CALM), crowd)

    def test_a_sale_is_held_whenever_the_crowd_comes(self) -> None:
        held = deeds(Shape.FLASH_SALE, PLAN, 0, 1000)
        self.assertTrue(held)
        for deed in held:
            self.assertIs(deed.act, Act.HOLD_SALE)
            self.assertEqual(users_at(Shape.FLASH_SALE, PLAN, deed.at), (100, 20))

    def test_the_tide_comes_back_to_where_it_was(self) -> None:
        high = users_at(Shape.SOAK, PLAN, PLAN.arrival)
        self.assertEqual(high, (100, 10))
        self.assertEqual(users_at(Shape.SOAK, PLAN, PLAN.arrival + WAVE / 2), (50, 10))
        self.assertEqual(users_at(Shape.SOAK, PLAN, PLAN.arrival + WAVE), high)

    def test_each_cache_is_forgotten_by_itself_and_then_all_at_once(self) -> None:
        first = deeds(Shape.COLD_CACHE, PLAN, 0, 320)
        self.assertEqual([deed.cache for deed in first[:-1]], list(CACHES))
        self.assertIs(first[-1].act, Act.FORGET_ALL)
        self.assertGreater(first[0].at, PLAN.arrival)

    def test_nothing_is_done_twice_or_left_out_however_often_one_looks(self) -> None:
        for shape in (Shape.COLD_CACHE, Shape.HOT_KEY, Shape.FLASH_SALE):
            at_once = deeds(shape, PLAN, 0, 1200)
            piecemeal = [deed for second in range(1200) for deed in deeds(shape, PLAN, second, second + 1)]
            self.assertEqual(piecemeal, at_once)
            self.assertEqual(sorted(deed.at for deed in at_once), [deed.at for deed in at_once])

    def test_where_nothing_is_due_there_is_nothing_to_do(self) -> None:
        self.assertEqual(deeds(Shape.STEADY, PLAN, 0, 1e6) + deeds(Shape.SOAK, PLAN, 0, 1e6), [])
