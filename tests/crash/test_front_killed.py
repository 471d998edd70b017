"""`kill -9` of the front while workers come and go: the kernel takes the others with it."""

import pytest
from hammer import Hammer
from serving import until

ROUNDS = 5
RECYCLED = 'forebay_worker_restarts_total{reason="max_requests"}'


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=" ".join)
def test_no_process_outlives_a_front_that_was_recycling_workers(serve, options):
    for _ in range(ROUNDS):
        server = serve("crash", "-w", "3", "--max-requests", "50", *options)
        server.exit_expected = -9
        with (
            Hammer(server, "GET", "/", clients=4) as gets,
            Hammer(server, "POST", "/sleep/0.001", clients=4) as posts,
        ):
            until(lambda s=server: s.metric(RECYCLED) >= 4, 60)
            assert gets.statuses().keys() == posts.statuses().keys() == {200}
            server.process.kill()
            until(lambda s=server: not s.processes(), 10)
