"""The table of locks in plans/README.md, from what tests/bench/locks has measured."""

import collections
import os
import sys

MODES = ["ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"]
SHOWN = {"ShareLock": "SHARE", "ShareRowExclusiveLock": "SHARE ROW EXCLUSIVE", "ExclusiveLock": "EXCLUSIVE",
         "AccessExclusiveLock": "ACCESS EXCLUSIVE"}
Lock = collections.namedtuple("Lock", "version scenario rows relation mode state held_us had_us seen_ms waited_ms write_ms")


def read(file):
    with open(file, encoding="utf-8") as lines:
        return [Lock(*line.rstrip("\n").split("\t")) for line in lines if not line.startswith("version")]


def at(share, values):
    """The smallest value that so many of all do not exceed."""
    values = sorted(values)
    return values[max(0, -(-len(values) * share // 100) - 1)]


def ms(microseconds):
    value = microseconds / 1000
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def most(locks, field):
    return max(int(getattr(lock, field)) for lock in locks)


def plan_of(root, scenario):
    own = f"tests/scenarios/{scenario}/plan.yaml"
    if os.path.exists(os.path.join(root, own)):
        return f"[{scenario}](../{own})"
    return f"[{scenario}]({scenario}.yaml)"


def line(root, scenario, locks):
    strongest = max((lock.mode for lock in locks), key=MODES.index)
    those = [lock for lock in locks if lock.mode == strongest]
    held = [int(lock.held_us) for lock in those]
    return (f"| {plan_of(root, scenario)} | {int(locks[0].rows):,} | {SHOWN[strongest]} | {len(those)} | {ms(at(50, held))} "
            f"| {ms(max(held))} | {most(those, 'seen_ms')} | {most(those, 'waited_ms')} | {most(locks, 'write_ms')} |")


def table(root, locks):
    by_scenario = collections.defaultdict(list)
    for lock in locks:
        by_scenario[lock.scenario].append(lock)
    lines = ["| change | rows | strongest lock | taken | held, median | held, longest | seen held | seen waited for | longest write |",
             "|---|---|---|---|---|---|---|---|---|"]
    lines += [line(root, scenario, by_scenario[scenario]) for scenario in sorted(by_scenario)]
    exclusive = [int(lock.held_us) for lock in locks if lock.mode == "AccessExclusiveLock"]
    versions = sorted({lock.version for lock in locks}, key=float)
    lines += ["", f"PostgreSQL {', '.join(versions)}, {os.cpu_count()} cores. Of all {len(exclusive)} ACCESS EXCLUSIVE locks, half "
              f"were held for {ms(at(50, exclusive))} ms at most, 99 of 100 for {ms(at(99, exclusive))} ms, the longest for "
              f"{ms(max(exclusive))} ms."]
    return "\n".join(lines)


def main(results, root):
    readme = os.path.join(root, "plans", "README.md")
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    begin, end = "<!-- locks -->\n", "\n<!-- /locks -->"
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    with open(readme, "w", encoding="utf-8") as file:
        file.write(before + begin + table(root, read(results)) + end + after)


if __name__ == "__main__":
    main(*sys.argv[1:])
