"""What the overload benchmark promises about its crowd and its figures."""

from __future__ import annotations

import asyncio
import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import overload_figures as figures  # noqa: E402
from crowd import FAILED, LEFT, Client, Outcome, Plan, play, recovered_at, schedule  # noqa: E402
from overload_measure import SERVICE_S  # noqa: E402
from overload_peers import haproxy_config  # noqa: E402
from peers import APPS, Site  # noqa: E402

# Requests, by their numbers, that the server of these tests does not answer with 200.
REFUSED, CLOSED, CUT_SHORT, SILENT = range(1_000_000, 1_000_004)


async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    number = int(head.split(b"X-Number: ")[1].split(b"\r\n")[0])
    if number == SILENT:
        await reader.read()  # until the client has left
    elif number != CLOSED:
        status = b"503 Service Unavailable" if number == REFUSED else b"200 OK"
        body = b"do" if number == CUT_SHORT else b"done"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\n" + body)
    writer.close()


async def with_server(plan: Plan) -> dict[str, list[dict[str, object]]]:
    async with await asyncio.start_server(serve_one, "127.0.0.1", 0) as server:
        plan.port = server.sockets[0].getsockname()[1]
        return await play(plan)


def outcome(number: int, due_s: float, ended_s: float, status: int) -> Outcome:
    return Outcome(number, due_s, 0.0, ended_s, status)


class Crowds(unittest.TestCase):
    def test_every_end_of_a_request_is_told_apart(self) -> None:
        clients = [Client(number, 0.0, 30.0) for number in (1, REFUSED, CLOSED, CUT_SHORT)]
        clients += [Client(SILENT, 0.0, 0.05)]
        played = asyncio.run(with_server(Plan(0, clients, overload_s=0.1, prompt_s=30)))
        self.assertEqual(
            {each["number"]: each["status"] for each in played["outcomes"]},
            {1: 200, REFUSED: 503, CLOSED: FAILED, CUT_SHORT: FAILED, SILENT: LEFT},
        )

    def test_probes_go_on_until_answers_are_prompt(self) -> None:
        played = asyncio.run(with_server(Plan(0, overload_s=0.0, prompt_s=30)))
        probes = [Outcome(**each) for each in played["probes"]]
        self.assertEqual(recovered_at(probes, 30), 0.0)
        self.assertLess(max(probe.number for probe in probes), 0)

    def test_a_closed_loop_has_so_many_clients_and_no_number_twice(self) -> None:
        played = asyncio.run(with_server(Plan(0, closed_clients=3, closed_s=0.2)))
        numbers = [each["number"] for each in played["outcomes"]]
        self.assertLess({1, 2, 3}, set(numbers))
        self.assertEqual(len(numbers), len(set(numbers)))

    def test_a_plan_survives_its_journey_to_the_other_process(self) -> None:
        text = '{"port": 1, "clients": [{"number": 1, "due_s": 0.5, "patience_s": 2}]}'
        self.assertEqual(Plan.from_json(text), Plan(1, [Client(1, 0.5, 2)]))


class Schedules(unittest.TestCase):
    def test_the_same_seed_gives_the_same_crowd(self) -> None:
        self.assertEqual(schedule("a", 50, 5, (1, 3)), schedule("a", 50, 5, (1, 3)))
        self.assertNotEqual(schedule("a", 50, 5, (1, 3)), schedule("b", 50, 5, (1, 3)))

    def test_it_has_the_rate_and_the_patience_that_were_asked_for(self) -> None:
        clients = schedule("a", 200, 50, (1, 3))
        self.assertAlmostEqual(len(clients), 10_000, delta=500)  # 5 standard deviations
        self.assertTrue(all(0 <= client.due_s < 50 for client in clients))
        self.assertTrue(all(1 <= client.patience_s <= 3 for client in clients))
        self.assertAlmostEqual(sum(c.patience_s for c in clients) / len(clients), 2, delta=0.05)


class Windows(unittest.TestCase):
    def setUp(self) -> None:
        self.outcomes = [
            outcome(1, 4.9, 5.1, 200),  # due before the window, useful within it
            outcome(2, 5.0, 5.5, 200),
            outcome(3, 5.0, 5.02, 503),
            outcome(4, 6.0, 8.0, LEFT),
            outcome(5, 6.0, 6.1, 502),
            outcome(6, 6.0, 6.1, FAILED),
            outcome(7, 9.9, 10.1, 200),  # useful when the window is over
        ]
        runs = Counter([1, 2, 4, 4, 7])
        self.window = figures.window(self.outcomes, runs, 1.0, 5, 10)

    def test_useful_work_counts_when_it_is_done(self) -> None:
        self.assertAlmostEqual(self.window.useful_percent, 100 * 2 / 5)

    def test_every_request_is_in_exactly_one_share(self) -> None:
        w = self.window
        shares = [w.answered_percent, w.refused_percent, w.error_percent]
        shares += [w.failed_percent, w.left_percent]
        self.assertEqual(w.requests, 6)
        self.assertAlmostEqual(sum(shares), 100)
        self.assertAlmostEqual(w.answered_percent, 100 * 2 / 6)

    def test_runs_for_clients_who_got_no_answer_are_wasted(self) -> None:
        self.assertEqual((self.window.runs, self.window.wasted_runs), (4, 2))
        self.assertAlmostEqual(self.window.wasted_percent, 50)

    def test_refusals_have_times_of_their_own(self) -> None:
        self.assertAlmostEqual(self.window.refusal_p50_ms or 0, 20)
        self.assertAlmostEqual(self.window.answer_p99_ms or 0, 500)

    def test_a_sender_that_was_late_spoils_the_run(self) -> None:
        self.assertEqual(figures.problems(self.outcomes), [])
        late = [Outcome(n, 0.0, 0.2, 1.0, 200) for n in range(10)]
        self.assertIn("200 ms", figures.problems(late)[0])


class Recoveries(unittest.TestCase):
    def test_it_is_the_first_of_ten_prompt_answers_in_a_row(self) -> None:
        latencies = [1.0, 0.1, 0.9, *[0.1] * 10]
        probes = [outcome(-n, 20 + n, 20 + n + took, 200) for n, took in enumerate(latencies)]
        recovery = figures.recovery(probes[::-1], 20, prompt_s=0.15)
        self.assertAlmostEqual(recovery.prompt_s or 0, 3)
        self.assertAlmostEqual(recovery.first_request_s or 0, 1.0)
        self.assertAlmostEqual(recovery.first_answer_s or 0, 1.0)
        self.assertIsNone(figures.recovery(probes[:-1], 20, prompt_s=0.15).prompt_s)

    def test_a_refusal_is_no_answer(self) -> None:
        probes = [outcome(-1, 20, 20.01, 503), outcome(-2, 20.1, 20.2, 200)]
        recovery = figures.recovery(probes, 20, prompt_s=0.15)
        self.assertIsNone(recovery.first_request_s)
        self.assertAlmostEqual(recovery.first_answer_s or 0, 0.2)
        self.assertAlmostEqual(recovery.refused_percent, 50)

    def test_nothing_answered_is_no_recovery(self) -> None:
        self.assertEqual(figures.recovery([], 20, 0.15), figures.Recovery(None, None, None, 0))


class Peers(unittest.TestCase):
    def test_the_application_takes_as_long_as_the_figures_assume(self) -> None:
        self.assertIn(f"SERVICE_S = {SERVICE_S}\n", (APPS / "slow.py").read_text())

    def test_haproxy_lets_as_many_requests_through_as_there_are_workers(self) -> None:
        site = Site(1, Path("/d"), "slow", workers=4, threads=1, keep_alive=False)
        self.assertIn("server app unix@/d/gunicorn.sock maxconn 4\n", haproxy_config(site))
        self.assertNotIn("timeout queue", haproxy_config(site))
        self.assertIn("\n  timeout queue 1s\nlisten", haproxy_config(site, ("timeout queue 1s",)))


if __name__ == "__main__":
    unittest.main()
