"""What the profile promises about its figures."""

from __future__ import annotations

import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import hotspots  # noqa: E402

# As `perf script --fields pid,ip,sym,dso` prints them.
PERF_SCRIPT = """\
     4711 ffffffff816904f5 tcp_sendmsg_locked ([kernel.kallsyms])
     4711     7f5ff0d0c0de std::map<int, char (*)(int)>::find(int const&) (/opt/forebay)
     4712         5581c0de [unknown] (/usr/bin/python3.11)
"""


class Profiles(unittest.TestCase):
    def test_samples_are_read(self) -> None:
        self.assertEqual(
            list(hotspots.parse_samples(PERF_SCRIPT)),
            [
                (4711, "tcp_sendmsg_locked", "[kernel.kallsyms]"),
                (4711, "std::map<int, char (*)(int)>::find(int const&)", "forebay"),
                (4712, "[unknown]", "python3.11"),
            ],
        )

    def test_time_is_split_between_user_and_kernel(self) -> None:
        samples = Counter({("send", "[kernel.kallsyms]"): 3, ("parse", "forebay"): 1})
        requests = round(4 * 1e6 / hotspots.SAMPLES_PER_S)  # 1 us each
        profile = hotspots.Profile("front", samples)
        row = hotspots.split_table([profile], requests)[1]
        self.assertEqual(row, ["front", "1.00", "0.25", "0.75", "75"])

    def test_a_cell_holds_one_function(self) -> None:
        self.assertEqual(hotspots.shortened("a|b"), "a\\|b")
        self.assertEqual(len(hotspots.shortened("x" * 500)), hotspots.FUNCTION_MAX)


if __name__ == "__main__":
    unittest.main()
