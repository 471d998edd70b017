#!/usr/bin/python3
"""Add up test results: tally.py [NAME EXIT_STATUS RESULTS.xml]...

Reads JUnit XML, which GoogleTest and pytest both write, and prints one line:

    total: N passed, N failed, N skipped

Exits 1 when a test failed or none ran. A suite that ended badly without a failed test to show for
it (it crashed, leaked, could not be collected) counts as one failed test and is named on stderr.
"""

import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, case):
        """Counts one <testcase> element."""
        if case.find("failure") is not None or case.find("error") is not None:
            self.failed += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            self.skipped += 1
        else:
            self.passed += 1

    def __add__(self, other):
        return Tally(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self):
        return f"total: {self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    def is_good(self):
        return self.failed == 0 and self.passed > 0


def tally_suite(name, exit_status, path):
    """The results of one suite; anything wrong that they do not tell is one more failure."""
    tally = Tally()
    try:
        for case in ElementTree.parse(path).iter("testcase"):
            tally.add(case)
    except (OSError, ElementTree.ParseError) as error:
        print(f"{name} left no results (exit status {exit_status}): {error}", file=sys.stderr)
        return Tally(failed=1)
    if exit_status != 0 and tally.failed == 0:
        print(f"{name} ended with exit status {exit_status}, with no failed test", file=sys.stderr)
        tally.failed = 1
    return tally


def main(arguments):
    if not arguments or len(arguments) % 3:
        sys.exit(__doc__)
    suites = zip(arguments[0::3], arguments[1::3], arguments[2::3], strict=True)
    total = sum((tally_suite(name, int(end), path) for name, end, path in suites), Tally())
    print(total)
    return 0 if total.is_good() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
