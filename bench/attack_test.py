"""What the benchmark of load generators promises about its figures."""

from __future__ import annotations

import socket
import sys
import tempfile
import unittest
from array import array
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import attack_measure as measure  # noqa: E402
import attack_report as report  # noqa: E402
from attack_tools import Task, tools  # noqa: E402

MS = 1_000_000
COST = measure.Cost(own_s=0.5, others_s=0.0, stolen_s=0.0)


def judged(arrivals: list[int], rate: int | None, duration_s: int) -> measure.Run:
    run = measure.Run("some", rate, 0)
    measure.judge(run, array("q", arrivals), COST, duration_s)
    return run


class Figures(unittest.TestCase):
    def test_a_metronome_has_no_variation_and_is_never_late(self) -> None:
        run = judged([7 + number * MS for number in range(2000)], 1000, 2)
        self.assertEqual(run.problems, [])
        self.assertAlmostEqual(run.gap_variation, 0)
        self.assertLess(run.late_max_us, 0.01)
        self.assertAlmostEqual(run.requests_per_s, 1000)
        self.assertAlmostEqual(run.cpu_per_request_us, 250)

    def test_bursts_of_ten_are_late_by_up_to_nine_gaps(self) -> None:
        run = judged([(number // 10) * 10 * MS for number in range(2000)], 1000, 2)
        self.assertGreater(run.gap_variation, 2.9)
        self.assertAlmostEqual(run.late_max_us, 9000, delta=1)
        self.assertAlmostEqual(run.late_p50_us, 5000, delta=1000)

    def test_a_rate_that_is_not_held_does_not_count(self) -> None:
        run = judged([number * 2 * MS for number in range(1000)], 1000, 2)
        self.assertEqual(run.problems, ["sent 1000 of 2000 requests"])
        self.assertFalse(run.counts)

    def test_nothing_arrived(self) -> None:
        self.assertFalse(judged([], 1000, 2).counts)

    def test_the_ratio_is_that_of_the_same_round(self) -> None:
        runs = [
            measure.Run("forebay", None, 0, cpu_per_request_us=5.0),
            measure.Run("forebay", None, 1, cpu_per_request_us=50.0),
            measure.Run("wrk", None, 0, cpu_per_request_us=10.0),
            measure.Run("wrk", None, 1, cpu_per_request_us=100.0),
        ]
        rows = report.table(runs, report.CLOSED, compare="cpu_per_request_us")
        self.assertEqual([row[-1] for row in rows], ["forebay/tool", "1.00", "0.50"])


class Arrivals(unittest.TestCase):
    def test_the_server_answers_and_notes_each_request(self) -> None:
        measure.compile_server()
        request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        with tempfile.TemporaryDirectory() as name:
            with measure.noting_arrivals(Path(name)) as (_, port):
                with socket.create_connection(("127.0.0.1", port)) as client:
                    for _ in range(3):
                        client.sendall(request)
                        self.assertTrue(client.recv(1000).endswith(b"\r\n\r\nok"))
            arrivals = array("q", (Path(name) / "arrivals").read_bytes())
        self.assertEqual(len(arrivals), 3)
        self.assertEqual(list(arrivals), sorted(arrivals))


class Tools(unittest.TestCase):
    def test_each_is_told_the_rate_or_the_connections(self) -> None:
        url = "http://127.0.0.1:1/"
        for tool in tools(Path("/forebay")):
            closed = tool.command(Task(url, Path("/t"), 3, None, 64))
            self.assertTrue(any("64" in word for word in closed), tool.name)
            if tool.paced:
                paced = " ".join(tool.command(Task(url, Path("/t"), 3, 1000, 64)))
                self.assertRegex(paced, r"-rate=1000|-c 10 .*100", tool.name)


if __name__ == "__main__":
    unittest.main()
