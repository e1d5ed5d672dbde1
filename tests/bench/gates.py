"""How long a gate takes. tests/bench/gate --help says what all of it means."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from servers import Servers, query

DATABASE = "bench"
COLUMNS = ["id", "name", "amount", "price", "placed_at"]
PLAN = "plan: bench-gate\nchange:\n  - rename_column: {{ table: t{table}, from: name, to: label }}\n"


def options():
    parser = argparse.ArgumentParser(prog="tests/bench/gate", add_help=False,
                                     usage="tests/bench/gate [options]; --help says which")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json")
    parser.add_argument("--keep", action="store_true")
    chosen = parser.parse_args()
    if chosen.tables < 10 or chosen.images < 3 or not 1 <= chosen.each <= chosen.tables or chosen.rounds < 2:
        parser.error("ten tables, three images and two rounds at least, and no image of more tables than there are")
    return chosen


class Bench:
    def __init__(self, servers, chosen):
        self.servers, self.chosen = servers, chosen
        query(servers.admin, f"create database {DATABASE}")
        self.connection = servers.connect(DATABASE)
        self.environment = os.environ | {"DATABASE_URL": servers.uri(DATABASE)}
        for table in range(chosen.tables):
            query(self.connection, f"""
create table t{table} (id bigint primary key, name text not null, amount integer check (amount > 0),
  price numeric(10,2) check (price is not null), placed_at timestamptz)""")
        query(self.connection, "create role bench_gate login; grant all on all tables in schema public to bench_gate")
        self.run(["init"])
        self.register("shop:all", range(chosen.tables))  # the oldest: nowhere else to go
        for image in range(chosen.images):
            first = image * (chosen.tables - chosen.each) // (chosen.images - 1)
            self.register(f"shop:{image}", range(first, first + chosen.each))
        for table in (0, 1):  # two plans on the first image's tables
            (servers.work / "plan.yaml").write_text(
                PLAN.format(table=table).replace("bench-gate", f"bench-gate-{table}"))
            self.run(["run", "plan.yaml"])
        query(self.connection, "vacuum analyze")

    def register(self, image, tables):
        uses = "".join(f"  t{table}: {{ read: [{', '.join(COLUMNS)}], write: [id, name, amount, price], delete: true }}\n"
                       for table in tables)
        (self.servers.work / "manifest.yaml").write_text(f"image: {image}\nrole: bench_gate\ntables:\n{uses}")
        self.run(["image", "add", "--manifest", "manifest.yaml"])

    def run(self, words, exits=(0,)):
        """In seconds."""
        started = time.monotonic()
        done = subprocess.run([self.chosen.binary, *words], cwd=self.servers.work, env=self.environment,
                              capture_output=True, text=True, check=False)
        took = time.monotonic() - started
        if done.returncode not in exits:
            raise RuntimeError(f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return took

    def select_one(self):
        started = time.monotonic()
        subprocess.run(["psql", "-XAtqc", "select 1", self.servers.uri(DATABASE)], check=True, capture_output=True)
        return time.monotonic() - started

    def measure(self):
        """By turns, so that what else the machine does falls on all alike."""
        cases = {
            "psql -c 'select 1'": self.select_one,
            "a yes": lambda: self.run(["gate", "deploy", "shop:7"]),
            "a no, image of every table": lambda: self.run(["gate", "deploy", "shop:all"], (3,)),
            "a no, and which are safe": lambda: self.run(["gate", "rollback", "shop:1"], (3,)),
        }
        taken = {name: [] for name in cases}
        self.break_one()
        for _ in range(self.chosen.rounds):
            for name, case in cases.items():
                taken[name].append(case())
        return taken

    def break_one(self):
        """A table of the second image gets a new rule: a doubt for all that write it."""
        first = (self.chosen.tables - self.chosen.each) // (self.chosen.images - 1)
        query(self.connection, f"alter table t{first} add constraint since check (amount < 1000000) not valid")


def show(taken):
    base = statistics.median(next(iter(taken.values())))
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"{name:32} median {median * 1000:6.1f} ms   {min(times) * 1000:6.1f} to {max(times) * 1000:6.1f}   "
              f"{median / base:5.2f} times psql")


def main():
    chosen = options()
    with Servers(chosen.binary, chosen.keep) as servers:
        taken = Bench(servers, chosen).measure()
    print(f"{chosen.tables:,} tables, {chosen.images + 1} images of {chosen.each} tables, one of all; "
          f"{chosen.rounds} rounds")
    show(taken)
    if chosen.json:
        with open(chosen.json, "w", encoding="utf-8") as file:
            json.dump(taken, file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
