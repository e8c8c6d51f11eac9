"""What docker/ says of itself, of the wheel and of Ray holds, as far as that shows without an engine or a cluster."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from typer.main import get_command

from pipeline.cli.app import app
from pipeline.config.loading import preset_names, read_config

ROOT = Path(__file__).parents[2]
FILES = {name: (ROOT / "docker" / name).read_text() for name in ("Dockerfile", "compose.yaml", "rayjob.yaml")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = PROJECT["project"]["version"]
RULES = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
OPEN = {rule.removeprefix("!") for rule in RULES if rule.startswith("!")}
PACKAGES = ("blindpairs", "manifests", "stages", "pipeline")
TARGETS = ("cpu", "gpu")


@dataclass(frozen=True)
class Layer:
    """A stage of the Dockerfile: what it starts from, and its instructions as (word, rest)."""

    start: str
    lines: list[tuple[str, str]]

    def all(self, word: str) -> list[str]:
        return [rest for one, rest in self.lines if one == word]


def dockerfile() -> tuple[dict[str, str], dict[str, Layer]]:
    """Arguments before the first stage, and the stages in their order."""
    text = re.sub(r"^\s*#.*\n", "", FILES["Dockerfile"], flags=re.MULTILINE).replace("\\\n", " ")
    arguments: dict[str, str] = {}
    layers: dict[str, Layer] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            start, _, name = rest.split()
            lines: list[tuple[str, str]] = []
            layers[name] = Layer(re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], start), lines)
        elif layers:
            lines.append((word, rest))
        else:
            arguments.update([rest.split("=")])
    return arguments, layers


ARGUMENTS, LAYERS = dockerfile()
COMPOSE = yaml.safe_load(FILES["compose.yaml"])
OBJECTS = {one["kind"]: one for one in yaml.safe_load_all(FILES["rayjob.yaml"])}
JOB = OBJECTS["RayJob"]["spec"]
CLUSTER = JOB["rayClusterSpec"]
GROUPS = {group["groupName"]: group for group in CLUSTER["workerGroupSpecs"]}
PODS = {
    "submitter": JOB["submitterPodTemplate"]["spec"],
    "head": CLUSTER["headGroupSpec"]["template"]["spec"],
    **{name: group["template"]["spec"] for name, group in GROUPS.items()},
}


def chain(name: str) -> list[Layer]:
    """A stage and those it starts from, the first one first."""
    layer = LAYERS[name]
    return [*(chain(layer.start) if layer.start in LAYERS else []), layer]


def instructions(name: str, word: str) -> list[str]:
    return [rest for layer in chain(name) for rest in layer.all(word)]


def environment(name: str) -> dict[str, str]:
    return dict(word.split("=", 1) for rest in instructions(name, "ENV") for word in shlex.split(rest))


def owned(name: str) -> dict[str, str]:
    """Folder -> owner, of those the image makes for its user."""
    steps = " && ".join(instructions(name, "RUN")).split("&&")
    made = [step for step in steps if step.strip().startswith("install --directory")]
    return {folder: re.findall(r"--owner=(\d+)", step)[0] for step in made for folder in re.findall(r"\s(/\S+)", step)}


def requirement(name: str) -> Requirement:
    return next(one for one in map(Requirement, PROJECT["project"]["dependencies"]) if one.name == name)


def written() -> Iterator[str]:
    """Every command line of the three files: in indented comments, as a container's command, as an entry point."""
    for text in FILES.values():
        yield from "\n".join(re.findall(r"^#   +(.+)$", text, re.MULTILINE)).replace("\\\n", " ").splitlines()
    for service in COMPOSE["services"].values():
        yield " ".join(service["command"])
        yield service["healthcheck"]["test"][-1]
    yield from (" ".join(json.loads(rest)) for target in TARGETS for rest in instructions(target, "CMD"))
    yield JOB["entrypoint"]


def commands(program: str) -> list[list[str]]:
    """The arguments of each call of `program`, with what `ray job submit` is given to call among them."""
    parts = [re.split(r"&&|>|\bexec\b", line) for line in written()]
    words = [shlex.split(part) for line in parts for part in line]
    return [one[at + 1 :] for one in words for at, word in enumerate(one) if word == program]


def test_each_target_starts_from_what_is_defined_before_it() -> None:
    assert set(TARGETS) <= set(LAYERS)
    names = list(LAYERS)
    for at, (name, layer) in enumerate(LAYERS.items()):
        before = names[:at]
        assert layer.start in before or re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", layer.start), name
        used = re.findall(r"(?:--|,)from=(\w+)", " ".join(rest for _, rest in layer.lines))
        assert set(used) <= set(before), name


def test_all_nodes_have_the_same_python_down_to_the_patch_and_the_project_takes_it() -> None:
    images = {layer.start for layer in LAYERS.values() if layer.start not in LAYERS}
    assert len(images) == 1
    python = images.pop().split(":")[1].split("-")[0]
    assert python in SpecifierSet(PROJECT["project"]["requires-python"])


def test_all_nodes_have_the_same_ray_and_the_project_takes_it() -> None:
    version = ARGUMENTS["RAY_VERSION"]
    assert CLUSTER["rayVersion"] == version
    assert version in requirement("ray").specifier
    for target in TARGETS:
        assert f'"ray[default]=={"${RAY_VERSION}"}"' in " ".join(instructions(target, "RUN"))
        # an ARG before the first FROM is not seen after it
        assert any("RAY_VERSION" in layer.all("ARG") for layer in chain(target))


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_as_a_user_that_is_not_root_and_owns_what_it_writes(target: str) -> None:
    user, group = instructions(target, "USER")[-1].split(":")
    last = [word for word, _ in LAYERS[target].lines if word in ("USER", "RUN")][-1]
    assert last == "USER", "what is installed after USER would be installed by the user"
    assert int(user) > 0
    assert int(group) > 0
    assert f"--uid {user} " in " ".join(instructions(target, "RUN"))
    weights = environment(target)["HF_HOME"]
    assert {weights, "/runs", "/data"} <= {folder for folder, owner in owned(target).items() if owner == user}
    assert weights in " ".join(instructions(target, "VOLUME"))
    for pod in PODS.values():
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == int(user)


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_holds_the_wheel_and_never_the_source_tree(target: str) -> None:
    assert not instructions(target, "COPY")
    assert not instructions(target, "ADD")
    assert "pip install --no-cache-dir --no-deps /dist/*.whl" in LAYERS[target].all("RUN")[-1]
    assert f"ARG VERSION={VERSION}" in [f"{word} {rest}" for word, rest in LAYERS[target].lines]
    labels = " ".join(instructions(target, "LABEL"))
    assert set(re.findall(r"opencontainers\.image\.(\w+)=", labels)) >= {"title", "description", "version", "revision"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the build stage's steps were taken, on what .dockerignore lets into it."""
    pytest.importorskip("setuptools", minversion="77", reason="the wheel is built here without a network")
    at = tmp_path_factory.mktemp("build")
    for rest in LAYERS["wheel"].all("COPY"):
        *sources, target = rest.split()
        for source in sources:
            _copy(source, at / "src" / target)
    (at / "dist").mkdir()
    script = f"import setuptools.build_meta as build; build.build_wheel({str(at / 'dist')!r})"
    subprocess.run([sys.executable, "-c", script], cwd=at / "src", check=True, capture_output=True)
    sort_out = LAYERS["wheel"].all("RUN")[-1]
    assert "pip" not in sort_out, "it is run as written"
    shell = re.sub(r"(?<=\s)/(dist|metadata|requirements)", lambda found: f"{at}/{found[1]}", sort_out)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-eo", "pipefail", "-c", shell], check=True, env={**os.environ, "PATH": path})
    return at


def _copy(source: str, target: Path) -> None:
    assert source in OPEN, f".dockerignore keeps {source} out"
    closed = [rule.removeprefix("**/") for rule in RULES if rule.startswith("**/")]
    if (ROOT / source).is_dir():
        shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns(*closed))
        return
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / source, target)


def test_the_wheel_holds_every_module_preset_and_template(built: Path) -> None:
    with zipfile.ZipFile(next((built / "dist").glob("*.whl"))) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
        scripts = wheel.read(next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))).decode()
    modules = {path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    folders = [
        ROOT / "pipeline/config/presets",
        *(ROOT / "pipeline").rglob("templates"),
        ROOT / "pipeline/benchmark/page/static",
    ]
    data = {path for folder in folders for path in folder.iterdir()}
    data |= set((ROOT / "stages").rglob("*.tsv")) | {ROOT / package / "py.typed" for package in PACKAGES}
    assert held == {str(path.relative_to(ROOT)) for path in modules | data if path.is_file()}
    assert {f"pipeline/config/presets/{name}.yaml" for name in preset_names()} <= held
    assert "blindpairs = pipeline.cli.app:main" in scripts


def test_the_cpu_image_differs_from_the_wheel_in_faiss_alone(built: Path) -> None:
    def needed(name: str) -> dict[str, Requirement]:
        lines = (built / f"requirements-{name}.txt").read_text().splitlines()
        here = {"sys_platform": "linux", "platform_machine": "x86_64", "extra": ""}
        found = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate(here)]
        return {one.name: one for one in found}

    cpu, gpu, torch = needed("cpu"), needed("gpu"), needed("torch")
    assert set(cpu) ^ set(gpu) == {"faiss-cpu", "faiss-gpu"}
    assert "faiss-cpu" in cpu
    declared = map(Requirement, PROJECT["project"]["dependencies"])
    assert {one.name for one in declared if one.name != "faiss-cpu"} == set(gpu)
    assert torch == {name: cpu[name] for name in ("torch", "torchvision")}
    first, second = (rest for rest in LAYERS["cpu"].all("RUN") if "--requirement" in rest)
    assert "--index-url https://download.pytorch.org/whl/cpu --requirement /requirements-torch.txt" in first
    assert "--index-url" not in second
    assert "/requirements-cpu.txt" in second
    assert "whl/cpu" not in " ".join(instructions("gpu", "RUN"))


def test_compose_is_a_head_and_two_workers_of_one_image_that_join_it_with_its_token() -> None:
    assert set(COMPOSE["services"]) == {"head", "worker"}
    head, worker = COMPOSE["services"]["head"], COMPOSE["services"]["worker"]
    assert (head.get("deploy"), worker["deploy"]["replicas"]) == (None, 2)
    assert head["image"] == worker["image"]
    assert head["build"] == worker["build"]
    context = (ROOT / "docker" / head["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / head["build"]["dockerfile"]).is_file()
    assert head["build"]["target"] in LAYERS
    assert "--address=head:6379" in worker["command"]
    assert head["environment"]["RAY_AUTH_MODE"] == worker["environment"]["RAY_AUTH_MODE"] == "token"
    assert f"token:{environment('cpu')['HOME']}/.ray" in head["volumes"]
    assert head["volumes"] == worker["volumes"]
    assert "ray get-auth-token --generate" in head["command"][-1], "nobody else draws it"
    assert worker["depends_on"]["head"]["condition"] == "service_healthy"
    assert "ray health-check" in head["healthcheck"]["test"][-1]


def test_compose_publishes_on_this_machine_alone() -> None:
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)
    assert all("network_mode" not in service for service in COMPOSE["services"].values())


def test_compose_volumes_can_be_written_by_the_image_s_user() -> None:
    mounts = [mount.rsplit("}", 1)[-1].split(":") for mount in COMPOSE["services"]["head"]["volumes"]]
    assert {words[1] for words in mounts} == set(owned("cpu")), "a volume takes the owner of the folder it hides"


def test_ray_s_objects_fit_into_the_shared_memory() -> None:
    for service in COMPOSE["services"].values():
        store = int(re.search(r"--object-store-memory=(\d+)", " ".join(service["command"]))[1])
        assert store < int(service["shm_size"].removesuffix("gb")) * 2**30


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_and_every_volume_it_mounts(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for container in pod["containers"]:
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert {mount["name"] for mount in container.get("volumeMounts", [])} == set(volumes)
    for volume in volumes.values():
        if "configMap" in volume:
            assert volume["configMap"]["name"] == OBJECTS["ConfigMap"]["metadata"]["name"]
        else:
            claim = OBJECTS["PersistentVolumeClaim"]
            assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
            assert claim["spec"]["accessModes"] == ["ReadWriteMany"], "head and both groups mount it"


def test_only_the_gpu_group_takes_gpus_and_each_pod_runs_the_image_built_for_it() -> None:
    for name, pod in PODS.items():
        [container] = pod["containers"]
        assert container["image"].endswith(f"blindpairs:{VERSION}-{'gpu' if name == 'gpu' else 'cpu'}")
        limits = container["resources"]["limits"]
        assert ("nvidia.com/gpu" in limits) == (name == "gpu")
        assert limits.get("nvidia.com/gpu") == container["resources"]["requests"].get("nvidia.com/gpu")


def test_the_groups_hold_the_workers_that_the_recipe_counts() -> None:
    for name, step in yaml.safe_load(OBJECTS["ConfigMap"]["data"]["recipe.yaml"])["workers"].items():
        group, resource = ("gpu", "nvidia.com/gpu") if "gpus" in step else ("cpu", "cpu")
        held = int(PODS[group]["containers"][0]["resources"]["limits"][resource])
        assert GROUPS[group]["minReplicas"] * held >= step.get("gpus", 1), f"{name} would be refused at the start"
        assert step["count"] * step.get("gpus", 1) <= GROUPS[group]["maxReplicas"] * held, name


def test_workers_may_go_at_any_time_and_the_head_may_not() -> None:
    spot = {"cloud.google.com/gke-spot", "kubernetes.azure.com/scalesetpriority"}
    assert not PODS["head"].get("tolerations")
    assert CLUSTER["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert CLUSTER["enableInTreeAutoscaling"] is True
    for name, group in GROUPS.items():
        assert 0 <= group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        assert spot <= {one["key"] for one in PODS[name]["tolerations"]}
        [container] = PODS[name]["containers"]
        waits = {one["name"]: one["value"] for one in container["env"]}["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"]
        assert int(waits) < PODS[name]["terminationGracePeriodSeconds"] < 30
        assert "preStop" not in container.get("lifecycle", {}), "ray stop would end tasks at once"


def test_a_lost_cluster_is_replaced_and_a_finished_one_removed() -> None:
    assert JOB["backoffLimit"] >= 1
    assert re.fullmatch(r"[a-z0-9-]+", JOB["jobId"]), "it is a word of a shell command"
    assert JOB["shutdownAfterJobFinishes"] is True, "without it ttlSecondsAfterFinished says nothing"
    assert JOB["ttlSecondsAfterFinished"] > 0


def test_credentials_come_from_the_secret_alone() -> None:
    secret = re.search(r"create secret generic (\S+) --from-env-file", FILES["rayjob.yaml"])[1]
    for name in ("head", *GROUPS):
        assert PODS[name]["containers"][0]["envFrom"] == [{"secretRef": {"name": secret}}], name
    assert "Secret" not in OBJECTS
    assert CLUSTER["authOptions"] == {"mode": "token"}
    for name, text in FILES.items():
        assert not re.search(r"\w*(?:TOKEN|SECRET|PASSWORD|_KEY)\w*\s*[:=]\s*\S", text), name
        assert not re.search(r"AKIA[0-9A-Z]{16}|hf_\w{20,}|-----BEGIN", text), name


def test_the_job_s_recipe_is_read_and_its_entry_point_finds_it(tmp_path: Path) -> None:
    (file, text), *others = OBJECTS["ConfigMap"]["data"].items()
    assert not others
    (tmp_path / file).write_text(text)
    config = read_config(str(tmp_path / file), [], None)
    words = shlex.split(JOB["entrypoint"])
    mounts = {mount["name"]: mount["mountPath"] for mount in PODS["head"]["containers"][0]["volumeMounts"]}
    assert words[:3] == ["blindpairs", "run", f"{mounts['recipe']}/{file}"]
    assert config.run == JOB["jobId"]
    assert words[words.index("--root") + 1].startswith("s3://")
    assert all(source.uri.startswith("s3://") for source in config.images.sources), "nodes share no disk"


def test_each_command_of_ours_is_taken_as_written() -> None:
    found = commands("blindpairs")
    assert [words for words in found if words == ["--help"]] == [["--help"]] * len(TARGETS)
    shown = [words for words in found if words != ["--help"]]
    assert sorted(words[0] for words in shown) == ["demo", "run", "run", "run"]
    for name, *words in shown:
        context = get_command(app).commands[name].make_context(name, list(words))
        if (recipe := context.params.get("recipe")) in preset_names():
            assert read_config(recipe, context.params["changes"], None)
        assert name != "run" or context.params["root"] != "runs", "a container's own folder goes with it"


def test_each_command_of_ray_is_taken_as_written() -> None:
    from ray.scripts.scripts import cli

    found = commands("ray")
    assert sorted(words[0] for words in found) == ["get-auth-token", "health-check", "job", "start", "start"]
    for name, *words in found:
        command = cli.commands[name]
        while hasattr(command, "commands"):
            command, words = command.commands[words[0]], words[1:]
        assert command.make_context(name, list(words))


def test_nothing_of_a_run_or_of_git_enters_the_build() -> None:
    assert RULES[0] == "*", "what is let in is named"
    for name in (".git", ".env", ".venv", "runs", "demo", "tests", "docker"):
        assert not any(fnmatch(name, one) for one in OPEN), name
