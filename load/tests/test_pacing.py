import unittest

from accounts import Account, Accounts, Session
from pacing import Allowance, Doors, retry_after, spread


class Pacing(unittest.TestCase):
    def test_so_many_come_in_at_once_and_then_one_after_the_other(self) -> None:
        door = Allowance(burst=3, per_second=0.5)
        self.assertEqual([door.take(10.0) for _ in range(4)], [0, 0, 0, 2.0])
        self.assertGreater(door.take(11.0), 0)
        self.assertEqual(door.take(12.0), 0)
        self.assertGreater(door.take(12.0), 0)

    def test_there_is_room_again_without_anybody_taking_any(self) -> None:
        door = Allowance(burst=2, per_second=1)
        door.take(10.0)
        door.take(10.0)
        self.assertFalse(door.has_room(10.0))
        self.assertFalse(door.has_room(11.0))
        self.assertTrue(door.has_room(11.5))

    def test_a_quiet_night_does_not_let_in_more_than_the_burst(self) -> None:
        door = Allowance(burst=2, per_second=1)
        self.assertEqual([door.take(1e6) == 0 for _ in range(3)], [True, True, False])

    def test_no_address_does_more_than_the_shop_allows_however_many_processes_have_it(self) -> None:
        limits = {"registrations": (600, 1), "logins": (600, 10), "carts": (600, 10)}
        for processes in (1, 4, 1000):
            for name, (burst, per_second) in limits.items():
                door = getattr(Doors.shared_by(processes), name)
                if processes < 500:
                    self.assertLess(door.burst * processes, burst)
                self.assertLess(door.per_second * processes, per_second)

    def test_the_shop_says_how_long_to_stay_away_and_nobody_stays_for_ever(self) -> None:
        self.assertEqual(
            [retry_after(text) for text in (None, "", "soon", "-1", "3", " 7 ", "86400")], [0, 0, 0, 0, 3, 7, 60]
        )

    def test_those_who_were_sent_away_together_come_back_one_by_one(self) -> None:
        times = {spread(4.0) for _ in range(50)}
        self.assertGreater(len(times), 40)
        self.assertTrue(all(4.0 <= time <= 5.0 for time in times))


class TheAccounts(unittest.TestCase):
    def test_every_account_has_a_name_of_its_own_that_the_shop_takes(self) -> None:
        accounts = [Account() for _ in range(100)]
        self.assertEqual(len({account.username for account in accounts}), 100)
        for account in accounts:
            self.assertRegex(account.username, r"^[A-Za-z0-9_.-]{3,32}$")
            self.assertGreaterEqual(len(account.password), 8)

    def test_an_account_that_is_put_back_is_used_again_before_another_is_registered(self) -> None:
        pool, account = Accounts(), Account()
        self.assertIsNone(pool.take())
        pool.put_back(account)
        self.assertIs(pool.take(), account)
        self.assertIsNone(pool.take())

    def test_a_token_is_refreshed_before_it_ends_also_when_it_is_short_lived(self) -> None:
        for lifetime in (900, 60, 4):
            session = Session.begun({"access_token": "a", "refresh_token": "r", "expires_in": lifetime}, now=1000.0)
            self.assertTrue(1000.0 < session.refresh_at < 1000.0 + lifetime)
