import unittest

import settings
from settings import Mix, SettingsError, Shape, from_environment


class SettingsOfARun(unittest.TestCase):
    def test_what_is_left_out_or_empty_has_its_default(self) -> None:
        self.assertEqual(from_environment({}), settings.Settings())
        self.assertEqual(from_environment({"SHAPE": "", "TRACE_RATIO": " "}), settings.Settings())

    def test_words_are_known_in_any_case_and_numbers_are_read(self) -> None:
        read = from_environment(
            {"SHAPE": "flashsale", "THINK": "1,2", "TRACE_RATIO": "1", "CLIENT_ADDRESSES": "198.18.0.0/15"}
        )
        self.assertEqual((read.shape, read.think, read.trace_ratio), (Shape.FLASH_SALE, (1.0, 2.0), 1.0))
        self.assertEqual(str(read.client_addresses), "198.18.0.0/15")
        self.assertIs(from_environment({"MIX": "Even"}).mix, Mix.EVEN)

    def test_what_makes_no_sense_is_refused_by_name_with_what_to_write(self) -> None:
        wrong = {
            "SHAPE": "Round",
            "THINK": "3,1",
            "TRACE_RATIO": "2",
            "PACE": "0",
            "HOT_PRODUCT": "-1",
            "CLIENT_ADDRESSES": "10.0.0.1/8",
        }
        for name, text in wrong.items():
            with self.subTest(name), self.assertRaisesRegex(SettingsError, f"^{name}='{text}': write "):
                from_environment({name: text})
        for text in ("-1", "nan", "inf", "1e400", "0x1"):
            with self.subTest(text), self.assertRaises(SettingsError):
                from_environment({"PACE": text})

    def test_who_asks_services_does_so_steadily(self) -> None:
        with self.assertRaisesRegex(SettingsError, "SHAPE=Steady only"):
            from_environment({"MIX": "Cart", "SHAPE": "Soak"})

    def test_times_have_a_unit(self) -> None:
        self.assertEqual([settings.duration(text) for text in ("500ms", "2s", "1.5m", "1h")], [0.5, 2.0, 90.0, 3600.0])
        for text in ("500", "ms", "-1s", "1 s"):
            with self.subTest(text), self.assertRaises(ValueError):
                settings.duration(text)
