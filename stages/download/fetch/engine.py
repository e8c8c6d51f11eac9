"""Engine: img2dataset's own downloader, resizer and tar writer for one shard, in this process.

Its package loads torch, ray, wandb and pandas, which takes six seconds and is not needed here; so its modules
are loaded one by one, and `webdataset` is given the one class that is needed from it. Its distributors are not
used: their processes would not have the guard, and they ignore failed shards.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from stages.download.fetch.guard import STAND_IN, stand_in
from stages.download.fetch.manners import TOKEN

SHARD = "0"  # what img2dataset calls the only shard: 0.tar, 0.parquet, 0_stats.json
NOT_ALLOWED = ["noai", "noimageai", "noindex", "noimageindex"]
Resize = Callable[..., tuple[Any, ...]]
Fail = Callable[[BaseException], None]


def run(urls: Sequence[str], folder: Path, resize: int | None, threads: int, fail: Fail) -> None:
    """Have img2dataset fetch `urls` by number into SHARD in `folder`; the guard must be installed already.

    `fail` is called for a failed write, which img2dataset itself would ignore. Raises what img2dataset raises.
    """
    _load_little()
    listed = str(folder / "numbers.arrow")
    numbers = pa.table({"url": [stand_in(number) for number in range(len(urls))]})
    with pa.OSFile(listed, "wb") as file, pa.ipc.new_file(file, numbers.schema) as writer:
        writer.write_table(numbers)
    _downloader(urls, folder, resize, threads, fail).download_shard((0, listed))


def _downloader(urls: Sequence[str], folder: Path, resize: int | None, threads: int, fail: Fail) -> Any:
    from img2dataset.downloader import Downloader

    return Downloader(
        sample_writer_class=lambda *words: Writer(urls, fail, *words),
        resizer=_as_served if resize is None else _resizer(resize),
        thread_count=min(threads, len(urls)),
        save_caption=False,
        extract_exif=False,
        output_folder=str(folder),
        column_list=["url"],
        timeout=0,  # handled by the guard
        number_sample_per_shard=len(urls),
        oom_shard_count=1,
        compute_hash=None,  # handled by the guard too
        verify_hash_type=None,
        encode_format="jpg",
        retries=0,
        user_agent_token=TOKEN,
        disallowed_header_directives=NOT_ALLOWED,
    )


class Writer:
    """img2dataset's WebDataset writer, which writes the URL in place of its stand-in."""

    def __init__(self, urls: Sequence[str], fail: Fail, *words: Any) -> None:
        from img2dataset.writer import WebDatasetSampleWriter

        self._urls, self._fail, self._inner = urls, fail, WebDatasetSampleWriter(*words)
        self.close = self._inner.close

    def write(self, image: bytes | None, key: str, caption: str | None, told: Mapping[str, Any]) -> None:
        number = int(told["url"].removeprefix(STAND_IN))
        try:
            self._inner.write(image, key, caption, {**told, "url": self._urls[number]})
        except Exception as error:
            self._fail(error)
            raise


def _as_served(stream: Any, boxes: object = None) -> tuple[Any, ...]:
    """Do what img2dataset's Resizer does with `disable_all_reencoding`, without loading its decoders."""
    return stream.read(), None, None, None, None, None


def _resizer(shorter_side: int) -> Resize:
    from img2dataset.resizer import Resizer

    return Resizer(
        image_size=shorter_side,
        resize_mode="keep_ratio",
        resize_only_if_bigger=True,
        downscale_interpolation="area",
        encode_quality=95,
        skip_reencode=True,
    )


def _load_little() -> None:
    """Load img2dataset and webdataset as packages whose `__init__` does not run, and wandb as an empty module."""
    for name in ("img2dataset", "webdataset"):
        if name not in sys.modules:
            spec = find_spec(name)
            if spec is None:
                raise ModuleNotFoundError(f"no module named {name!r}", name=name)
            sys.modules[name] = bare = ModuleType(name)
            bare.__spec__, bare.__path__ = spec, list(spec.submodule_search_locations or ())
    sys.modules.setdefault("wandb", ModuleType("wandb"))
    sys.modules["webdataset"].TarWriter = importlib.import_module("webdataset.writer").TarWriter  # type: ignore[attr-defined]
