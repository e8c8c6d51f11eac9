"""Where workers of a machine or a cluster with GPUs run: nothing of it needs one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from manifests.errors import Refused
from pipeline.config.settings import WorkerSettings
from pipeline.executors.cluster import Cluster
from pipeline.executors.executor import ResourceRequest
from pipeline.executors.local_executor import LocalExecutor, LocalResources, _wanted
from pipeline.executors.ray_executor import RayExecutor, RayResources
from stages.embed.settings import EmbedSettings
from stages.embed.stage import Embed, _device
from stages.filter.settings import FilterSettings
from stages.filter.stage import Filter
from stages.search.settings import SearchSettings
from stages.search.stage import Search

EMBED = Embed(EmbedSettings.model_validate({"encoders": {"colour": {"kind": "colour"}}}))
SEARCH = Search(SearchSettings(blind="a", reference="b"))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine of so many GPUs and cores."""

    def of(gpus: int, cores: int = 16) -> None:
        monkeypatch.setattr("pipeline.executors.machine.gpus", lambda: [str(number) for number in range(gpus)])
        monkeypatch.setattr("pipeline.executors.machine.cores", lambda: cores)
        monkeypatch.setattr("pipeline.executors.machine.memory_bytes", lambda: 1 << 40)

    return of


def resources_of(stage: Any, tasks: int = 99, **workers: Any) -> list[LocalResources]:
    return _wanted(stage, WorkerSettings(**workers), tasks)


def test_two_workers_that_embed_share_a_gpu_and_the_cores(machine: Any) -> None:
    machine(2)
    found = resources_of(EMBED)
    assert [resources.gpus for resources in found] == [("0",), ("1",), ("0",), ("1",)]
    assert {(resources.machine.device, resources.machine.gpus, resources.machine.decoders) for resources in found} == {
        ("cuda", 1, 4)
    }


def test_one_worker_that_searches_has_a_gpu_by_itself_and_no_cores_it_does_not_use(machine: Any) -> None:
    machine(2)
    assert [(one.gpus, one.machine.decoders) for one in resources_of(SEARCH)] == [
        (("0",), 2),
        (("1",), 2),
    ]


@pytest.mark.parametrize(("each", "wanted"), [(0.4, ["0", "1", "0", "1"]), (0.6, ["0", "1"]), (0.3, ["0", "1"] * 3)])
def test_no_gpu_holds_more_than_its_whole_and_none_is_left_idle(machine: Any, each: float, wanted: list[str]) -> None:
    machine(2)
    assert [resources.gpus for resources in resources_of(EMBED, gpus=each)] == [(gpu,) for gpu in wanted]
    assert [resources.gpus for resources in resources_of(EMBED, gpus=each, count=2)] == [("0",), ("1",)]


def test_a_worker_of_two_gpus_gives_each_encoder_one(machine: Any) -> None:
    machine(4)
    found = resources_of(EMBED, gpus=2)
    assert [resources.gpus for resources in found] == [("0", "1"), ("2", "3")]
    assert [_device(found[0].machine, resources) for resources in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]


def test_no_gpu_is_taken_where_none_is_asked_for_or_of_use(machine: Any) -> None:
    machine(2)
    for found in (resources_of(EMBED, gpus=0), resources_of(Filter(FilterSettings()))):
        assert len(found) == 16
        assert {(resources.gpus, resources.machine.device, resources.machine.decoders) for resources in found} == {
            ((), "cpu", 2)
        }


def test_what_a_recipe_says_is_taken(machine: Any) -> None:
    machine(1)
    assert [resources.gpus for resources in resources_of(EMBED, gpus=0.25)] == [("0",)] * 4
    assert len(resources_of(EMBED, count=3)) == 3
    assert resources_of(EMBED, decoders=7)[0].machine.decoders == 7
    assert resources_of(EMBED, cpus=5)[0].machine.decoders == 5
    assert len(resources_of(EMBED, tasks=1)) == 1


def test_a_share_of_several_gpus_is_refused() -> None:
    with pytest.raises(ValidationError, match="a share of one GPU"):
        WorkerSettings(gpus=1.5)
    with pytest.raises(ValidationError, match="finite"):
        WorkerSettings(gpus=float("inf"))


def test_a_precision_this_machine_lacks_is_refused_before_any_work(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(0)
    monkeypatch.setattr("torch.cpu.get_capabilities", dict, raising=False)
    stage = Embed(EmbedSettings.model_validate({"encoders": {"a": {"kind": "colour"}}, "precision": "bfloat16"}))
    with pytest.raises(Refused, match="bfloat16: this CPU has no instructions for it"):
        LocalExecutor().check([ResourceRequest("embeddings", stage, WorkerSettings())])


class Nodes(Cluster):
    """A cluster of machines that a test names."""

    def __init__(self, *machines: dict[str, float]) -> None:
        super().__init__("10.0.0.1:6379")
        self._nodes = machines

    def machines(self) -> dict[str, Any]:
        return {str(number): node for number, node in enumerate(self._nodes)}


def ray_place(stage: Any, *machines: dict[str, float], **workers: Any) -> RayResources:
    executor = RayExecutor("10.0.0.1:6379")
    executor._cluster = Nodes(*machines)
    return executor._resources("embeddings", stage, WorkerSettings(**workers))


HEAD, SMALL, LARGE = {"CPU": 0.0}, {"CPU": 16.0, "GPU": 2.0}, {"CPU": 128.0, "GPU": 8.0}


def test_on_ray_two_actors_share_a_gpu_and_the_cores_of_the_scarcest_machine() -> None:
    resources = ray_place(EMBED, HEAD, SMALL, LARGE)
    assert (resources.gpus, resources.cpus, resources.machine.device, resources.machine.decoders) == (
        0.5,
        4.0,
        "cuda",
        4,
    )


def test_on_ray_machines_with_gpus_and_no_cores_to_give_are_used() -> None:
    resources = ray_place(EMBED, {"CPU": 0.0, "GPU": 1.0})
    assert (resources.gpus, resources.cpus, resources.machine.decoders) == (0.5, 1.0, 2)


def test_on_ray_a_search_on_a_gpu_reserves_its_threads_alone() -> None:
    resources = ray_place(SEARCH, SMALL)
    assert (resources.gpus, resources.cpus, resources.machine.device) == (1.0, 1.0, "cuda")


def test_on_ray_without_gpus_an_actor_has_its_threads() -> None:
    resources = ray_place(EMBED, HEAD, {"CPU": 16.0})
    assert (resources.gpus, resources.cpus, resources.machine.device) == (0.0, 1.0, "cpu")
