"""What the benchmark promises about its figures. Run: python3 -m unittest bench/bench_test.py"""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import procs  # noqa: E402
from command import command_line  # noqa: E402
from measure import Run  # noqa: E402
from report import Result  # noqa: E402
from scenarios import SCENARIOS  # noqa: E402
from tables import Spread, spread  # noqa: E402

from load import Load, Measured  # noqa: E402

BURN_S = 0.3
# A parent that waits for a child which burns CPU, then says so and lives on.
PARENT = f"""
import os, time
pid = os.fork()
if pid == 0:
    while time.process_time() < {BURN_S}: pass
    os._exit(0)
os.waitpid(pid, 0)
print("reaped", flush=True)
input()
"""
MEASURED = Measured(
    requests=10_000,
    duration_s=1.0,
    received_bytes=0,
    latency_p50_us=6_400,
    latency_p90_us=6_400,
    latency_p99_us=6_400,
    latency_max_us=6_400,
    latency_mean_us=6_400.0,
    errors={"connect": 0, "read": 0},
    wrk_cpu_s=0.0,
)
LOAD = Load("", connections=64, keep_alive=True, post_bytes=0)


class Processes(unittest.TestCase):
    def test_cpu_of_a_tree_holds_that_of_ended_children(self) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen([sys.executable, "-c", PARENT], **pipes) as parent:
            parent.stdout.readline()
            root = procs.read_process(parent.pid)
            # The kernel counts in ticks of 10 ms, for user and system apart.
            self.assertGreater(procs.cpu_of(procs.tree([parent.pid])).total_s, 0.8 * BURN_S)
            self.assertLess(root.own.total_s, 0.8 * BURN_S)
            parent.stdin.close()

    def test_a_tree_is_found_from_its_root_only(self) -> None:
        pids = {process.pid for process in procs.tree([os.getpid()])}
        self.assertIn(os.getpid(), pids)
        self.assertNotIn(os.getppid(), pids)


class Problems(unittest.TestCase):
    def test_a_good_run_has_none(self) -> None:
        self.assertEqual(MEASURED.problems(LOAD), [])

    def test_an_error_is_one(self) -> None:
        failed = replace(MEASURED, errors={"connect": 0, "read": 3})
        self.assertEqual(failed.problems(LOAD), ["3 read errors"])

    def test_connections_that_nobody_serves_are_one(self) -> None:
        starving = replace(MEASURED, latency_mean_us=200.0)  # 2 of 64 at a time
        self.assertIn("only about 2 of 64", starving.problems(LOAD)[0])
        self.assertEqual(starving.problems(replace(LOAD, keep_alive=False)), [])


class Medians(unittest.TestCase):
    def setUp(self) -> None:
        def run(peer: str, number: int, speed: float, *problems: str) -> Run:
            return Run("keepalive", peer, number, list(problems), requests_per_s=speed)

        ours = [run("forebay", 0, 20), run("forebay", 1, 90), run("forebay", 2, 60)]
        theirs = [run("other", 0, 10), run("other", 1, 30), run("other", 2, 1, "3 read errors")]
        self.result = Result(SCENARIOS[0], 1, ours + theirs, {})

    def test_runs_with_problems_are_not_in_them(self) -> None:
        spread = self.result.spread("other", "requests_per_s")
        self.assertEqual((spread.median, spread.least, spread.most), (20, 10, 30))

    def test_ratios_are_taken_round_by_round(self) -> None:
        ratio = self.result.ratio("other")
        self.assertEqual((ratio.median, ratio.least, ratio.most), (2.5, 2, 3))

    def test_there_is_no_ratio_to_nothing(self) -> None:
        self.assertIsNone(self.result.ratio("other", "latency_p99_us"))


class Tables(unittest.TestCase):
    def test_a_range_is_told_only_where_there_is_one(self) -> None:
        self.assertEqual(str(Spread(2.0, 2.0, 2.0)), "2.00")
        self.assertEqual(str(Spread(2.0, 1.0, 99.99)), "2.00 (1.00..100)")

    def test_what_is_missing_is_not_in_a_spread(self) -> None:
        self.assertEqual(spread([None, 3.0, 1.0, 2.0]), Spread(2.0, 1.0, 3.0))
        self.assertIsNone(spread([None]))

    def test_the_command_repeats_every_setting(self) -> None:
        given = {"--rounds": 3, "--peers": None, "--tls": True, "--cold": False}
        self.assertEqual(command_line("serve", given), "./dev bench serve --rounds 3 --tls")


if __name__ == "__main__":
    unittest.main()
