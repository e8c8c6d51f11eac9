"""Checkpoints are found, checked and named before any work: in folders, by the libraries' names, on a hub."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from world.checkpoints import CLIP_CONFIG, dinov2_checkpoint, edited, open_clip_checkpoint, timm_checkpoint
from world.hostile import indexed, pickled
from world.processes import PATIENCE_S

from manifests.errors import Refused
from stages.models.encoders.checkpoints import TRANSFORMERS, weights_of
from stages.models.encoders.settings import EncoderSettings
from stages.models.encoders.weights import Weights, from_folder

READ = TypeAdapter(EncoderSettings)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def weights(**settings: Any) -> Weights:
    found = weights_of(READ.validate_python(settings))
    assert found is not None
    return found


def refusal(**settings: Any) -> str:
    with pytest.raises(Refused) as caught:
        weights(**settings)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture
def dinov2(tmp_path: Path) -> Path:
    return dinov2_checkpoint(tmp_path / "dinov2")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return open_clip_checkpoint(tmp_path / "clip")


# names that open_clip and timm know; nothing here may ask a network


@pytest.mark.slow
def test_the_wrong_activation_is_refused_with_the_name_of_the_right_model() -> None:
    assert "use ViT-L-14-quickgelu" in refusal(kind="open_clip", model="ViT-L-14", pretrained="openai")


def test_the_wrong_activation_the_other_way_round_is_refused_too() -> None:
    text = refusal(kind="open_clip", model="ViT-B-32-quickgelu", pretrained="laion2b_s34b_b79k")
    # open_clip lists no such tag for the quickgelu model
    assert "has no weights laion2b_s34b_b79k" in text


def test_a_model_without_a_twin_of_the_right_activation_is_not_told_to_use_itself() -> None:
    text = refusal(kind="open_clip", model="roberta-ViT-B-32", pretrained="laion2b_s12b_b32k")
    assert "choose another tag" in text


def test_an_unknown_open_clip_model_is_refused_with_the_nearest_name() -> None:
    text = refusal(kind="open_clip", model="ViT-L-14-quikgelu", pretrained="openai")
    assert "did you mean ViT-L-14-quickgelu?" in text


def test_an_unknown_tag_is_refused_with_the_tags_there_are() -> None:
    text = refusal(kind="open_clip", model="ViT-L-14-quickgelu", pretrained="opnai")
    assert "has no weights opnai" in text
    assert "openai, metaclip_400m" in text


def test_a_named_model_without_a_tag_is_refused_with_the_tags_there_are() -> None:
    assert "needs to be told which weights" in refusal(kind="open_clip", model="ViT-L-14-quickgelu")


@pytest.mark.parametrize("model", ["local-dir:somewhere", "hf-hub:someone/something"])
def test_a_tag_for_a_checkpoint_that_brings_its_own_weights_is_refused(model: str) -> None:
    assert "set pretrained, now openai, to null" in refusal(kind="open_clip", model=model, pretrained="openai")


def test_an_unknown_timm_model_is_refused_with_the_nearest_name() -> None:
    text = refusal(kind="timm", model="vit_smal_patch14_dinov2.lvd142m")
    assert "did you mean vit_small_patch14_dinov2.lvd142m?" in text


def test_an_unknown_timm_tag_is_refused_with_the_nearest_name() -> None:
    text = refusal(kind="timm", model="vit_small_patch14_dinov2.lvd14m")
    assert "did you mean vit_small_patch14_dinov2.lvd142m?" in text


# folders


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "is not a folder" in refusal(kind="transformers", model=str(tmp_path / "nowhere"))


def test_a_folder_without_configuration_is_refused(dinov2: Path) -> None:
    (dinov2 / "config.json").unlink()
    assert "holds no config.json" in refusal(kind="transformers", model=str(dinov2))


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_configuration_that_is_not_a_json_object_is_refused(clip: Path, text: str) -> None:
    (clip / "open_clip_config.json").write_text(text)
    assert "open_clip_config.json is not " in refusal(kind="open_clip", model=f"local-dir:{clip}")


def test_a_folder_that_does_not_say_how_images_are_prepared_is_refused(dinov2: Path) -> None:
    (dinov2 / "preprocessor_config.json").unlink()
    assert "holds no preprocessor_config.json" in refusal(kind="transformers", model=str(dinov2))


def test_a_folder_without_weights_is_refused(dinov2: Path) -> None:
    (dinov2 / "model.safetensors").unlink()
    assert "holds no model.safetensors" in refusal(kind="transformers", model=str(dinov2))


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "weights.pt"])
def test_a_pickle_is_refused_unopened_with_what_to_convert_it_to(dinov2: Path, pickle: str) -> None:
    (dinov2 / "model.safetensors").rename(dinov2 / pickle)
    text = refusal(kind="transformers", model=str(dinov2))
    assert f"{pickle}, a pickle" in text
    assert "convert it to model.safetensors" in text


def test_a_cut_weights_file_is_refused_before_anything_is_loaded(clip: Path) -> None:
    path = clip / "open_clip_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert "is not a whole safetensors file" in refusal(kind="open_clip", model=f"local-dir:{clip}")


def test_a_git_lfs_pointer_in_place_of_weights_is_refused(dinov2: Path) -> None:
    (dinov2 / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert "is not a whole safetensors file" in refusal(kind="transformers", model=str(dinov2))


def test_a_sharded_checkpoint_without_one_of_its_files_is_refused(tmp_path: Path) -> None:
    folder = dinov2_checkpoint(tmp_path, shards=True)
    gone = sorted(folder.glob("model-*.safetensors"))[0]
    gone.unlink()
    assert f"{gone.name} is missing" in refusal(kind="transformers", model=str(folder))


def test_an_index_that_lists_no_weights_is_refused(tmp_path: Path) -> None:
    (dinov2_checkpoint(tmp_path, shards=True) / "model.safetensors.index.json").write_text("{}")
    assert "has no weight_map" in refusal(kind="transformers", model=str(tmp_path))


# identity


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["open_clip", "transformers", "timm"])
def test_the_identity_is_the_sha256_of_every_file_that_decides_a_vector(tmp_path: Path, kind: str) -> None:
    build = {"open_clip": open_clip_checkpoint, "transformers": dinov2_checkpoint, "timm": timm_checkpoint}[kind]
    folder = build(tmp_path)
    found = weights(kind=kind, model=str(folder) if kind == "transformers" else f"local-dir:{folder}")
    assert found.identity() == {path.name: sha256(path) for path in folder.iterdir()}


def test_a_sharded_checkpoint_is_named_by_its_index_and_every_part(tmp_path: Path) -> None:
    folder = dinov2_checkpoint(tmp_path, shards=True)
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    found = weights(kind="transformers", model=str(folder))
    assert found.identity() == {path.name: sha256(path) for path in folder.iterdir()}


def test_one_other_byte_of_weights_is_another_identity(dinov2: Path) -> None:
    before = weights(kind="transformers", model=str(dinov2)).identity()
    data = bytearray((dinov2 / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (dinov2 / "model.safetensors").write_bytes(data)
    assert weights(kind="transformers", model=str(dinov2)).identity() != before


def test_another_preprocessing_is_another_identity(dinov2: Path) -> None:
    before = weights(kind="transformers", model=str(dinov2)).identity()
    edited(dinov2 / "preprocessor_config.json", image_mean=[0.5, 0.5, 0.5])
    assert weights(kind="transformers", model=str(dinov2)).identity() != before


def test_a_tokenizer_beside_the_weights_does_not_change_the_identity(dinov2: Path) -> None:
    before = weights(kind="transformers", model=str(dinov2)).identity()
    (dinov2 / "tokenizer_config.json").write_text("{}")
    assert weights(kind="transformers", model=str(dinov2)).identity() == before


def test_files_named_beside_the_weights_are_hashed_and_go_where_the_library_reads_and_no_others(dinov2: Path) -> None:
    for name in ("tokenizer.json", "model.py", "other.py", "notes.txt"):
        (dinov2 / name).write_text(name)
    found = from_folder(dinov2, *TRANSFORMERS, beside=("tokenizer.json", "merges.txt", "*.py", "config.json"))
    usual = {"config.json", "preprocessor_config.json", "model.safetensors"}
    assert set(found.identity()) == usual | {"tokenizer.json", "model.py", "other.py"}
    assert found.identity()["tokenizer.json"] == hashlib.sha256(b"tokenizer.json").hexdigest()
    with found.alone() as folder:
        assert {path.name for path in folder.iterdir()} == set(found.identity())


def test_a_file_beside_the_weights_that_is_a_link_out_of_the_folder_is_refused(dinov2: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (dinov2 / "tokenizer.json").symlink_to("../secret")
    with pytest.raises(Refused, match=r"tokenizer\.json leads to .*secret, outside"):
        from_folder(dinov2, *TRANSFORMERS, beside=("tokenizer.json",))


# a hub


class Hub(ThreadingHTTPServer):
    """Folders served as repositories, by the requests huggingface_hub makes; it keeps what it was asked."""

    daemon_threads = True

    def __init__(self, repositories: dict[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), HubAnswers)
        self.repositories, self.asked = repositories, list[str]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubAnswers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0].strip("/")
        self.server.asked.append(path)
        words = path.removeprefix("api/models/").split("/")
        folder = self.server.repositories.get("/".join(words[:2]))
        if folder is None:
            self._send(401, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        elif words[2] == "resolve":
            self._file(folder / words[4])
        elif words[2] == "tree":
            self._json([_listed(path) for path in sorted(folder.iterdir())])
        elif words[3] == "main":
            self._json({"id": "/".join(words[:2]), "sha": COMMIT, "siblings": []})
        else:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})

    def _file(self, path: Path) -> None:
        if path.is_file():
            self._send(200, path.read_bytes(), {"ETag": f'"{sha256(path)}"', "X-Repo-Commit": COMMIT})
        else:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _listed(path: Path) -> dict[str, Any]:
    return {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": sha256(path)[:40]}


ASK_BESIDE = """
import json
from stages.models.encoders.checkpoints import TRANSFORMERS
from stages.models.encoders.hub import from_hub
print(json.dumps([from_hub("someone/tiny", None, *TRANSFORMERS, beside=("tokenizer.json", "*.py")).identity()]))
"""
ASK = """
import json, sys
from pydantic import TypeAdapter
from manifests.errors import Refused
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.settings import EncoderSettings
answers = []
for asked in json.loads(sys.argv[1]):
    try:
        answers.append(weights_of(TypeAdapter(EncoderSettings).validate_python(asked)).identity())
    except Refused as refused:
        answers.append(str(refused))
print(json.dumps(answers))
"""
TINY = {"kind": "transformers", "model": "someone/tiny"}


def asked_in_a_process(url: str, cache: Path, *settings: dict[str, Any], code: str = ASK, **more: str) -> list[Any]:
    """What `weights_of` answers in a process whose hub is at `url`, with its cache in `cache`."""
    switches = {"HF_ENDPOINT": url, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    own = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    ended = subprocess.run(
        [sys.executable, "-c", code, json.dumps(settings)],
        env={**own, **switches, "HF_HUB_DISABLE_PROGRESS_BARS": "1", **more},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repositories to serve: a DINOv2, one whose weights are a pickle, one whose index lists a pickle, a CLIP with the
    other activation, and a small model of timm's own with a pickle beside it."""
    folder = tmp_path_factory.mktemp("hub")
    dinov2_checkpoint(folder / "tiny")
    (folder / "tiny" / "tokenizer.json").write_text("{}")
    (dinov2_checkpoint(folder / "pickle") / "model.safetensors").rename(folder / "pickle" / "pytorch_model.bin")
    indexed(dinov2_checkpoint(folder / "indexed"), "model-1.bin").rename(folder / "indexed" / "model-1.bin")
    open_clip_checkpoint(folder / "clip", config={**CLIP_CONFIG, "quick_gelu": True})
    timm_checkpoint(folder / "timm", architecture="test_vit", sizes={})
    pickled(folder / "timm" / "model.safetensors", folder / "timm" / "pytorch_model.bin")
    return folder


@pytest.fixture(scope="module")
def hub(world: Path) -> Iterator[Hub]:
    server = Hub({f"someone/{folder.name}": folder for folder in world.iterdir()})
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Online:
    """One process asked a hub for everything; what it answered, and the cache it left."""

    def __init__(self, hub: Hub, cache: Path) -> None:
        self.cache, elsewhere = cache, {**TINY, "revision": "elsewhere"}
        nothing, pickle = {**TINY, "model": "someone/nothing"}, {**TINY, "model": "someone/pickle"}
        listed = {**TINY, "model": "someone/indexed"}
        self.first, self.again, self.nothing, self.elsewhere, self.pickle, self.listed = asked_in_a_process(
            hub.url, cache, TINY, TINY, nothing, elsewhere, pickle, listed
        )
        self.asked = list(hub.asked)


@pytest.fixture(scope="module")
def online(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Online:
    return Online(hub, tmp_path_factory.mktemp("cache"))


def test_a_repository_of_the_hub_is_named_by_the_hashes_of_its_files(online: Online, world: Path) -> None:
    names = ("config.json", "preprocessor_config.json", "model.safetensors")
    assert online.first == {name: sha256(world / "tiny" / name) for name in names}


def test_weights_are_fetched_from_the_hub_once(online: Online) -> None:
    fetched = f"someone/tiny/resolve/{COMMIT}/model.safetensors"
    assert online.again == online.first
    assert online.asked.count(fetched) == 2  # one HEAD, one GET


def test_files_that_decide_no_vector_are_not_fetched(online: Online) -> None:
    assert not [path for path in online.asked if path.endswith("tokenizer.json")]


def test_files_named_beside_the_weights_are_fetched_from_the_hub(hub: Hub, online: Online, world: Path) -> None:
    (found,) = asked_in_a_process(hub.url, online.cache, code=ASK_BESIDE)
    assert found == online.first | {"tokenizer.json": sha256(world / "tiny" / "tokenizer.json")}


def test_a_repository_the_hub_does_not_have_is_refused(online: Online) -> None:
    assert online.nothing.startswith("the hub has no someone/nothing, or not for you")


def test_a_revision_the_hub_does_not_have_is_refused(online: Online) -> None:
    assert "has no revision elsewhere" in online.elsewhere


def test_a_repository_of_pickles_is_refused_by_its_name(online: Online) -> None:
    assert online.pickle.startswith("the hub's someone/pickle holds no model.safetensors")


def test_a_repository_whose_index_lists_a_pickle_is_refused_and_the_pickle_is_not_even_fetched(online: Online) -> None:
    assert "lists 'model-1.bin', which is not a .safetensors file" in online.listed
    assert not [path for path in online.asked if path.endswith(".bin")]


def test_offline_the_cache_serves_what_it_has_the_rest_is_refused_and_no_request_is_made(
    hub: Hub, online: Online
) -> None:
    before = len(hub.asked)
    other = {**TINY, "model": "someone/clip"}
    cached, absent = asked_in_a_process(hub.url, online.cache, TINY, other, HF_HUB_OFFLINE="1")
    assert cached == online.first
    assert absent == (
        "the weights of someone/clip are not on this machine, and the hub may not be asked; "
        "run once without --offline (HF_HUB_OFFLINE), or name a folder: "
        "model: local-dir:FOLDER for open_clip, model: FOLDER for transformers"
    )
    assert len(hub.asked) == before


def connections(listening: socket.socket) -> int:
    """How many there were that nobody has accepted."""
    listening.setblocking(False)
    number = 0
    with suppress(BlockingIOError):
        while True:
            listening.accept()[0].close()
            number += 1
    return number


@pytest.mark.parametrize("listening", [False, True], ids=["closed", "silent"])
def test_a_hub_that_does_not_answer_is_refused_soon_and_what_is_cached_is_still_served(
    online: Online, listening: bool
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listening:
            taken.listen()  # connections are taken, and never answered
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        asked = (TINY, {**TINY, "model": "someone/clip"})
        cached, absent = asked_in_a_process(url, online.cache, *asked, HF_HUB_ETAG_TIMEOUT="1")
        tries = connections(taken) if listening else 0
    assert cached == online.first
    assert f"the hub ({url}) does not answer" in absent
    assert tries <= 8  # of a second each


NAMED = """
import json, sys
import numpy as np, open_clip, timm
from PIL import Image
from open_clip import pretrained
from timm.models import _registry
from timm.models._pretrained import PretrainedCfg
from pipeline.reports.parity.reference import encoder_of
from stages.base import Machine
from stages.models.encoders.base import load
from stages.models.encoders.checkpoints import weights_of
from stages.models.encoders.settings import OpenClip, Timm
picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 80, 3), dtype=np.uint8))

def cosines(settings, theirs):
    encoder = load(settings, weights_of(settings), Machine())
    mine = encoder.encode([encoder.prepare(picture)])[0].astype(float)
    parity = encoder_of(settings, weights_of(settings)).encode(picture).astype(float)
    theirs = theirs()[0].detach().double().numpy()
    return [v @ theirs / np.linalg.norm(v) / np.linalg.norm(theirs) for v in (mine, parity)]

open_clip.add_model_config(json.loads(sys.argv[1])[0]["path"])
facts = pretrained._pcfg(hf_hub="someone/clip/", quick_gelu=True, mean=(.1, .2, .3), std=(.4, .5, .6))
pretrained._PRETRAINED["tiny-quickgelu"] = {"drawn": {**facts, "resize_mode": "squash"}}
facts = dict(input_size=(3, 32, 32), mean=(.5, .4, .3), std=(.2, .25, .3), crop_pct=.9, interpolation="bicubic")
own = PretrainedCfg(hf_hub_id="someone/timm", num_classes=7, classifier="head", custom_load=True, **facts)
_registry._model_pretrained_cfgs["test_vit.drawn"] = own
_registry._model_has_pretrained.add("test_vit.drawn")

def by_open_clip():
    model, preprocess = open_clip.create_model_from_pretrained("tiny-quickgelu", "drawn")
    return model.eval().encode_image(preprocess(picture)[None])

def by_timm():
    model = timm.create_model("test_vit.drawn", pretrained=True, num_classes=0).eval()
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    return model(transform(picture)[None])

clip = OpenClip(kind="open_clip", model="tiny-quickgelu", pretrained="drawn")
print(json.dumps([cosines(clip, by_open_clip), cosines(Timm(kind="timm", model="test_vit.drawn"), by_timm)]))
"""


def test_models_of_open_clips_and_timms_own_lists_give_the_librarys_vectors_and_no_pickle_is_fetched(
    hub: Hub, tmp_path: Path
) -> None:
    """With the preprocessing of the tag; by one process, for to load both libraries is most of its work."""
    path, before = tmp_path / "tiny-quickgelu.json", len(hub.asked)
    path.write_text(json.dumps({**CLIP_CONFIG, "quick_gelu": True}))
    of_clip, of_timm = asked_in_a_process(hub.url, tmp_path, {"path": str(path)}, code=NAMED)
    assert of_clip == pytest.approx([1, 1], abs=1e-6)  # of the step, and of the reference of parity
    assert of_timm == pytest.approx([1, 1], abs=1e-6)
    assert not [path for path in hub.asked[before:] if path.endswith(".bin")]


def test_reading_a_recipe_and_naming_its_stages_loads_no_heavy_library() -> None:
    heavy = ("torch", "transformers", "open_clip", "timm", "huggingface_hub", "faiss")
    code = f"import sys, stages.embed.stage, pipeline.run.recipe; print([m for m in {heavy} if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert ended.stdout.strip() == "[]", ended.stderr
