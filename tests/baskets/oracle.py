#!/usr/bin/env python3
"""What every household should have earned: one point per whole dollar of each basket, nothing else.

    oracle.py BASKETS.csv > POINTS.csv

Reads the CSV that fetch.py writes; prints `household_id,points`, by household, and a last row `total`.
It shares no code with the Rust that it judges, and must not: that is its whole worth.
"""

import csv
import sys
from collections import defaultdict
from decimal import Decimal


def main():
    if len(sys.argv) != 2:
        sys.exit("oracle.py: give one CSV of baskets, as fetch.py writes it: oracle.py BASKETS.csv")
    baskets = defaultdict(Decimal)
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            baskets[int(row["household_id"]), row["basket_id"]] += Decimal(row["sales_value"])
    points = defaultdict(int)
    for (household, _), total in baskets.items():
        points[household] += int(total)
    print("household_id,points")
    for household in sorted(points):
        print(f"{household},{points[household]}")
    print(f"total,{sum(points.values())}")


main()
