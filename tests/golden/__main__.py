"""``python -m tests.golden``: renew the stored results of goldens, or accept the engine's source as it is."""

import argparse
import sys
from fnmatch import fnmatchcase

from tests.golden import inputs, lock
from tests.golden.expected import differences, load, remove, save, stored_names
from tests.golden.golden import all_goldens


def renew(patterns: list[str]) -> int:
    """Compute the goldens whose names match, store those that differ from their stored results, and print them."""
    for name in inputs.draw_missing():
        print(f"inputs: {name} drawn")
    goldens = all_goldens()
    chosen = [name for name in goldens if wanted(name, patterns)]
    gone = [name for name in stored_names() if name not in goldens and wanted(name, patterns)]
    if not chosen and not gone:
        print(f"no golden is called {', '.join(patterns)}", file=sys.stderr)
        return 2
    changed = 0
    for name in chosen:
        results = goldens[name].results()
        had = bool(load(name))
        told = differences(goldens[name], results)
        if told:
            save(name, results)
            changed += 1
            print("\n".join(told) if had else f"{name}: new")
    for name in gone:
        remove(name)
        changed += 1
        print(f"{name}: removed, there is no such golden")
    print(f"{changed} stored results changed" if changed else f"all {len(chosen)} stored results hold")
    return 0


def wanted(name: str, patterns: list[str]) -> bool:
    """Whether a golden was asked for; without patterns all are."""
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def main() -> int:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--renew", nargs="*", metavar="NAME", help="store the results of today (names may be globs)")
    action.add_argument("--accept", action="store_true", help="run the goldens, then write lock.json")
    asked = parser.parse_args()
    return lock.accept() if asked.accept else renew(asked.renew)


if __name__ == "__main__":
    sys.exit(main())
