"""Ray executor: each worker is an actor, on any machine of the cluster with the resources its step asks for.

Only jobs, tasks and receipts travel, a few hundred bytes each; rows go from the worker straight to storage.
Actors are never restarted by Ray and their tasks never retried by it: retry_policy.py counts the tries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from manifests.errors import TasksFailed
from pipeline.config.settings import WorkerSettings
from pipeline.executors.cluster import Cluster
from pipeline.executors.executor import Heard, ResourceRequest
from pipeline.executors.local_executor import LocalExecutor
from pipeline.executors.logs import is_verbose, show_logs
from pipeline.executors.scheduler import work
from pipeline.executors.serving import Answer, Hello, Prepare, Serving, limit_libraries
from pipeline.executors.worker import Job
from pipeline.executors.worker_pool import Lost, WorkerPool
from stages.base import Machine, Stage, Task

DETAIL = "Worker exit detail: "  # Ray's words, too
NODE_DIED = "node has died"  # Ray's words; a worker that had not said hello yet has no machine to ask after
WAIT_S = 60.0  # for the machines of a cluster that is just being started


@dataclass(frozen=True)
class RayResources:
    """What one actor reserves (in Ray's terms), and the device it computes on."""

    step: str
    cpus: float
    gpus: float
    memory: int
    custom: tuple[tuple[str, float], ...]
    machine: Machine

    def covers(self, other: RayResources) -> bool:
        """Equal except for the step's name and for memory beyond what is asked for."""
        return self.memory >= other.memory and replace(self, step=other.step, memory=other.memory) == other

    @property
    def amounts(self) -> dict[str, float]:
        named = {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory}
        return {name: float(amount) for name, amount in {**named, **dict(self.custom)}.items() if amount}


class RayWorker:
    """The worker's side: an actor."""

    def __init__(self, threads: int, verbose: bool) -> None:
        limit_libraries(threads)  # which GPUs it sees is Ray's to say
        if verbose:  # the driver's environment is not this process's
            show_logs()
        self._serving = Serving()

    def hello(self) -> Hello:
        return self._serving.hello(ray.get_runtime_context().get_node_id())

    def answer(self, message: Prepare | Task) -> Answer:
        return self._serving.answer(message)


class RayHandle:
    """An actor, and the answer it owes; None if it owes none."""

    def __init__(self, resources: RayResources, cluster: Cluster, avoid: Collection[str]) -> None:
        self._cluster, self._step, self._machine = cluster, resources.step, ""
        options = {"num_cpus": resources.cpus, "num_gpus": resources.gpus, "resources": dict(resources.custom)}
        options |= {"memory": resources.memory} if resources.memory else {}
        options |= {"label_selector": {"ray.io/node-id": f"!in({', '.join(avoid)})"}} if avoid else {}
        actor = ray.remote(RayWorker).options(**options, max_restarts=0, max_task_retries=0)
        self._actor: Any = actor.remote(resources.machine.threads, is_verbose())
        self.answer: Any = self._actor.hello.options(name=f"{self._step}: hello").remote()

    def give(self, message: Prepare | Task) -> None:
        if isinstance(message, Prepare):
            self._step = message.job.folder.name
        name = f"{self._step}/{message.name}" if isinstance(message, Task) else f"{self._step}: set up"
        self.answer = self._actor.answer.options(name=name).remote(message)

    def heard(self) -> Answer:
        asked, self.answer = self.answer, None
        try:
            answer: Answer = ray.get(asked)
        except RayTaskError as error:  # what came could not even be unpacked there
            raise Lost(_died(error)) from error
        except RayActorError as error:
            known = bool(self._machine) and self._machine not in self._cluster.machines()
            raise Lost(_died(error), machine_gone=known or NODE_DIED in str(error)) from error
        except RayError as error:  # out of memory, for one
            raise Lost(_died(error)) from error
        if isinstance(answer, Hello):
            self._machine = answer.machine
        return answer

    def end(self) -> None:
        ray.kill(self._actor, no_restart=True)


class RayBackend:
    """A cluster."""

    arrival_s = float("inf")  # machines may be still to come

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def machines(self, resources: RayResources) -> set[str]:
        """See Backend.machines. Raises TasksFailed if a private Ray has lost its only machine."""
        found = self._cluster.machines_with(resources.amounts)
        if not found and self._cluster.address is None:
            raise TasksFailed("the private Ray of this run is gone; run the same command again")
        return found

    def start(self, resources: RayResources, avoid: Collection[str]) -> RayHandle:
        others = self.machines(resources) - set(avoid)
        return RayHandle(resources, self._cluster, sorted(avoid) if others else ())

    def ready(self, handles: Sequence[RayHandle], timeout_s: float) -> list[RayHandle]:
        by_answer = {handle.answer: handle for handle in handles if handle.answer is not None}
        if not by_answer:
            time.sleep(timeout_s)
            return []
        try:
            first, others = ray.wait(list(by_answer), timeout=timeout_s)
            more = ray.wait(others, num_returns=len(others), timeout=0)[0] if first and others else []
        except RayError as error:
            raise TasksFailed(f"Ray no longer answers ({_told(error)}); run the same command again") from error
        return [by_answer[answer] for answer in (*first, *more)]


class RayExecutor:
    """Runs tasks on a Ray cluster, which it joins only when there is work."""

    on_cluster = True

    def __init__(self, address: str | None = None, wait_s: float = WAIT_S) -> None:
        """`address` None: a private Ray on this machine. `wait_s`: seconds to wait for machines that are starting."""
        self._cluster = Cluster(address)
        self._wait_s = wait_s if address else 0.0
        self._pool = WorkerPool(RayBackend(self._cluster))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if ray.is_initialized():
            self._pool.dismiss()
        self._cluster.disconnect()

    def check(self, requests: Sequence[ResourceRequest], waits: Callable[[str], None] = lambda why: None) -> str:
        """See Executor.check."""
        if self._cluster.address is None:  # a private Ray has what this machine has; starting it takes seconds
            LocalExecutor().check(requests)
        self._cluster.connect()
        for request in requests:
            amounts = self._resources(request.step, request.stage, request.workers).amounts
            self._cluster.check(f"workers of the step {request.step} ask for", amounts, self._wait_s, waits)
        return f"on {self._cluster}"

    def execute(self, job: Job, tasks: Sequence[Task], workers: WorkerSettings) -> Iterator[Heard]:
        """See Executor.execute."""
        self._cluster.connect()
        resources = self._resources(job.folder.name, job.stage, workers)
        count = max(1, min(workers.count or self._cluster.room_for(resources.amounts), len(tasks)))
        return work(self._pool, job, tasks, workers, [resources] * count)

    def _resources(self, step: str, stage: Stage, workers: WorkerSettings) -> RayResources:
        share = self._cluster.cores_a_gpu()
        gpus = workers.gpus if workers.gpus is not None else stage.gpus * (share is not None)
        cpus = workers.cpus_of((share or 0.0) * gpus * stage.decodes)
        memory = workers.reserved_bytes(stage.worker_bytes())
        custom = tuple(sorted(workers.custom.items()))
        return RayResources(step, cpus, gpus, memory, custom, workers.machine(gpus, cpus))


def _died(error: Exception) -> str:
    return f"its worker died: {_told(error)}"


def _told(error: Exception) -> str:
    """Ray's long message as one sentence."""
    text = " ".join(str(error).split())
    if NODE_DIED in text:
        return "its machine went away"
    if DETAIL in text:
        text = text.partition(DETAIL)[2].partition(" There are some potential root causes")[0]
    if "No module named" in text:
        return f"{text[-200:]}; install the blindpairs wheel on every machine of the cluster"
    return text[-300:] if isinstance(error, RayActorError) else text[:300]
