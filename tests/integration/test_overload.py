"""More load than the servers can do, clients that give up after 2 s, and nothing configured."""

import asyncio
import random
import time
from dataclasses import dataclass

import pytest

WORKERS = 2
SERVICE = 0.05
CAPACITY = WORKERS / SERVICE
LEARNING = 9.0
COUNTED = 6.0


@dataclass
class Hit:
    sent: float
    """Seconds since the start of the load."""
    took: float
    status: int
    """0: the client gave up."""


async def hit(address: tuple[str, int], began: float, patience: float, hits: list[Hit]) -> None:
    sent = time.monotonic()
    status = 0
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(b"GET /sleep/%g HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n" % SERVICE)
        status = int((await asyncio.wait_for(reader.read(), patience)).split()[1])
    except TimeoutError:
        pass
    finally:
        writer.close()
        hits.append(Hit(sent - began, time.monotonic() - sent, status))


async def overload(address, load: float, patience: tuple[float, float]) -> tuple[list[Hit], float]:
    """The hits, and how long after the end of the overload the first newcomer is answered 200."""
    hits: list[Hit] = []
    tasks = []
    began = time.monotonic()
    count = int((LEARNING + COUNTED) * CAPACITY * load)
    dice = random.Random(1)
    for i in range(count):
        await asyncio.sleep(max(0, began + i / (CAPACITY * load) - time.monotonic()))
        tasks.append(asyncio.create_task(hit(address, began, dice.uniform(*patience), hits)))
    ended = time.monotonic()
    newcomers: list[Hit] = []
    while not newcomers or newcomers[-1].status != 200:
        await hit(address, began, 20, newcomers)
        await asyncio.sleep(0.05)
    after = newcomers[-1].sent + newcomers[-1].took - (ended - began)
    await asyncio.gather(*tasks)
    return hits, after


@pytest.mark.parametrize("patience", [(2, 2), (1, 3)], ids=["2s", "1to3s"])
@pytest.mark.parametrize("load", [1.5, 3.0])
def test_overload_is_useful_work_and_ends_at_once(serve, load, patience):
    server = serve("probe", "-w", WORKERS, "--preload")
    server.wait_ready(WORKERS)
    hits, after = asyncio.run(overload(server.address, load, patience))
    counted = [hit for hit in hits if LEARNING <= hit.sent + hit.took < LEARNING + COUNTED]
    served = [hit for hit in counted if hit.status == 200]
    refused = sorted(hit.took for hit in counted if hit.status == 503)
    assert {hit.status for hit in hits} <= {0, 200, 503}
    # Without learned patience: none or one. How near to all of it, `./dev bench overload` says.
    assert len(served) > 0.5 * CAPACITY * COUNTED
    assert refused[len(refused) // 2] < 0.5
    assert after < 5
    assert server.status()["queue"]["max_wait_reason"] in ("learned", "floor")
