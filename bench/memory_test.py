"""What the memory benchmark promises about its figures."""

from __future__ import annotations

import mmap
import os
import socket
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import memory_measure as measure  # noqa: E402
import memory_report as report  # noqa: E402
import procs  # noqa: E402
from memory_peers import all_peers  # noqa: E402

BYTES = 16 << 20


class MemoryOfProcesses(unittest.TestCase):
    def test_it_grows_by_what_a_process_touches(self) -> None:
        ourselves = [process] if (process := procs.read_process(os.getpid())) else []
        before = procs.memory_of(ourselves)
        with mmap.mmap(-1, BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as pages:
            pages.write(b"x" * BYTES)
            grown = procs.memory_of(ourselves) - before
        # The bytes object that was written is gone or not; nothing else is so large.
        self.assertGreaterEqual(grown.rss_kib, 0.9 * BYTES / 1024)
        self.assertGreaterEqual(grown.anon_kib, 0.9 * BYTES / 1024)
        self.assertGreater(procs.kernel_memory_kib(), 0)

    def test_descriptors_are_counted(self) -> None:
        ourselves = [process] if (process := procs.read_process(os.getpid())) else []
        before = procs.descriptors_of(ourselves)
        pairs = [socket.socketpair() for _ in range(20)]
        self.assertEqual(procs.descriptors_of(ourselves), before + 40)
        for end in (end for pair in pairs for end in pair):
            end.close()

    def test_a_process_that_has_gone_has_none(self) -> None:
        gone = procs.Process(2**22 + 1, "S", 1, 1, 1, procs.Cpu(), procs.Cpu())
        self.assertEqual(procs.memory_of([gone]), procs.Memory())
        self.assertEqual(procs.descriptors_of([gone]), 0)


class Holdings(unittest.TestCase):
    def test_a_connection_that_was_closed_or_answered_is_noticed(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(20)
        self.assertFalse(measure._hears_something(ours))
        theirs.sendall(b"HTTP/1.1 502 Bad Gateway")
        self.assertTrue(measure._hears_something(ours))
        theirs.close()
        ours.setblocking(True)
        ours.recv(100)
        self.assertTrue(measure._hears_something(ours))
        ours.close()

    def test_figures_are_per_connection_and_beyond_what_was_there(self) -> None:
        holding = measure.Holding("forebay", 100, before=procs.Memory(2048, 1024, 512))
        holding.peak, holding.after = procs.Memory(400, 300, 200), procs.Memory(100, 50, 0)
        holding.kernel_kib = 700
        row = report.holding_table([holding])[1]
        self.assertEqual(
            row, ["forebay", "4.00", "3.00", "2.00", "1.00", "0.50", "7.00", "2.00", "1.00"]
        )

    def test_a_measurement_with_a_problem_gives_no_figure(self) -> None:
        holding = measure.Holding("nginx", 100, problems=["holds only 5 of 100"])
        row = report.holding_table([holding])[1]
        self.assertEqual(set(row[1:]), {"-"})

    def test_forebay_takes_part_in_everything(self) -> None:
        for name, peers in all_peers(Path("/forebay")).items():
            self.assertIn("forebay", [peer.name for peer in peers], name)


if __name__ == "__main__":
    unittest.main()
