"""Clients with patience, in a process of their own: reads a plan from stdin, plays it, and writes
what became of every request to stdout, both as JSON.

The load is open: a request is due at its time whatever became of those before it. It has a
connection of its own, and its client leaves, that is closes, when its patience is over, counted
from when it was due. When the overload is over, one probe is due each 100 ms until answers are
prompt again. For the capacity the load is closed: so many clients, each asks again at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
from dataclasses import asdict, dataclass, field

from burst import parse_answer

PROBE_EVERY_S = 0.1
PROBE_PATIENCE_S = 30.0
PROBES_MAX = 300
# So many probes one after the other make a recovery.
PROMPT_IN_A_ROW = 10
CLOSED_PATIENCE_S = 10.0
# What stands for a status where there was none.
LEFT = 0  # the client's patience was over
FAILED = -1  # not connected, reset, or closed without a whole answer


@dataclass(frozen=True)
class Client:
    """One request to come: `number` is its name in the file of the runs."""

    number: int
    due_s: float
    patience_s: float


@dataclass(frozen=True)
class Outcome:
    """What became of a request: times since the start; `status` is HTTP's, LEFT or FAILED."""

    number: int
    due_s: float
    late_s: float  # the sender's own fault
    ended_s: float
    status: int

    @property
    def latency_s(self) -> float:
        """From when it was due: a sender that is late is no excuse for the server."""
        return self.ended_s - self.due_s


@dataclass
class Plan:
    """Overload: `clients`, then probes, a prompt one within `prompt_s`. Closed: `closed_clients`
    for `closed_s` seconds.
    """

    port: int
    clients: list[Client] = field(default_factory=list)
    overload_s: float = 0.0
    prompt_s: float = 0.0
    closed_clients: int = 0
    closed_s: float = 0.0

    @classmethod
    def from_json(cls, text: str) -> Plan:
        data = json.loads(text)
        clients = [Client(**client) for client in data.pop("clients")]
        return cls(clients=clients, **data)


def schedule(
    seed: str, rate_per_s: float, duration_s: float, patience_s: tuple[float, float]
) -> list[Client]:
    """Poisson arrivals and uniform patience: people who know nothing of each other. The same seed
    gives every server the same crowd.
    """
    choice = random.Random(seed)
    clients: list[Client] = []
    due_s = choice.expovariate(rate_per_s)
    while due_s < duration_s:
        clients.append(Client(len(clients) + 1, due_s, choice.uniform(*patience_s)))
        due_s += choice.expovariate(rate_per_s)
    return clients


def has_recovered(probes: list[Outcome], prompt_s: float) -> bool:
    return recovered_at(probes, prompt_s) is not None


def recovered_at(probes: list[Outcome], prompt_s: float) -> float | None:
    """When the first of PROMPT_IN_A_ROW probes was due that were all answered promptly."""
    row: list[Outcome] = []
    for probe in sorted(probes, key=lambda probe: probe.due_s):
        prompt = probe.status == 200 and probe.latency_s <= prompt_s
        row = [*row, probe] if prompt else []
        if len(row) == PROMPT_IN_A_ROW:
            return row[0].due_s
    return None


class Crowd:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.started = asyncio.get_running_loop().time()
        self.outcomes: list[Outcome] = []
        self.probes: list[Outcome] = []

    def now_s(self) -> float:
        return asyncio.get_running_loop().time() - self.started

    async def overload(self) -> None:
        async with asyncio.TaskGroup() as clients:
            for client in self.plan.clients:
                await asyncio.sleep(client.due_s - self.now_s())
                clients.create_task(self._be(client, self.outcomes))
            await self._probe(clients)

    async def _probe(self, clients: asyncio.TaskGroup) -> None:
        for number in range(PROBES_MAX):
            due_s = self.plan.overload_s + number * PROBE_EVERY_S
            await asyncio.sleep(due_s - self.now_s())
            if has_recovered(self.probes, self.plan.prompt_s):
                return
            client = Client(-1 - number, due_s, PROBE_PATIENCE_S)
            clients.create_task(self._be(client, self.probes))

    async def closed(self) -> None:
        async def ask_again_and_again(first: int) -> None:
            number = first
            while self.now_s() < self.plan.closed_s:
                client = Client(number, self.now_s(), CLOSED_PATIENCE_S)
                await self._be(client, self.outcomes)
                number += self.plan.closed_clients

        async with asyncio.TaskGroup() as clients:
            for first in range(1, self.plan.closed_clients + 1):
                clients.create_task(ask_again_and_again(first))

    async def _be(self, client: Client, outcomes: list[Outcome]) -> None:
        late_s = self.now_s() - client.due_s
        status = FAILED
        try:
            async with asyncio.timeout_at(self.started + client.due_s + client.patience_s):
                status = await self._ask(client.number)
        except TimeoutError:
            status = LEFT
        except (OSError, ValueError):
            pass
        outcomes.append(Outcome(client.number, client.due_s, late_s, self.now_s(), status))

    async def _ask(self, number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.plan.port)
        try:
            writer.write(
                f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{self.plan.port}\r\nX-Number: {number}\r\n"
                "Connection: close\r\n\r\n".encode()
            )
            status, _ = parse_answer(await reader.read())
            return status
        finally:
            with contextlib.suppress(OSError):
                writer.close()


async def play(plan: Plan) -> dict[str, list[dict[str, object]]]:
    crowd = Crowd(plan)
    await (crowd.closed() if plan.closed_clients else crowd.overload())
    return {
        "outcomes": [asdict(outcome) for outcome in crowd.outcomes],
        "probes": [asdict(outcome) for outcome in crowd.probes],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(play(Plan.from_json(sys.stdin.read())))))
