"""Ray clusters of several raylets on this machine, whose workers can import what tests define."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ray.cluster_utils import Cluster
from world.processes import PATIENCE_S, TESTS

# receipts need next to no object store, and Ray takes no less; memory is what each raylet says it has
SIZE = {"object_store_memory": 80_000_000, "memory": 8 << 30}
# a raylet that is killed is noticed within a few seconds, not after half a minute
QUICK = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500, "health_check_failure_threshold": 4}


@contextmanager
def raylets(count: int = 1, cpus: int = 1, **node: object) -> Iterator[Cluster]:
    """A head without cores and `count` raylets of `cpus` cores each; `cluster.address` to join them."""
    os.environ["RAY_AUTH_MODE"] = "disabled"
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    cluster = Cluster()
    try:
        cluster.add_node(num_cpus=0, include_dashboard=False, _system_config=QUICK, wait=False, **SIZE)
        for _ in range(count):
            raylet(cluster, cpus, **node)
        yield cluster
    finally:
        cluster.shutdown()


def raylet(cluster: Cluster, cpus: int = 1, **node: object) -> None:
    """One more machine, once it is there."""
    cluster.add_node(num_cpus=cpus, wait=False, **SIZE, **node)
    cluster.wait_for_nodes(PATIENCE_S)  # by itself it would wait for half a minute
