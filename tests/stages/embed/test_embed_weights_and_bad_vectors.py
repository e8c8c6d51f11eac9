"""What a hostile reader tried here, and what must hold."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from PIL import Image

from stages.base import Machine
from stages.embed.computing import Within
from stages.embed.settings import EmbedSettings
from stages.embed.stage import Embed


class Nothing:
    """NaN for dark images."""

    dim, preparation, batched, computed = 2, "mean", False, "Python"

    def prepare(self, image: Image.Image) -> float:
        return float(np.asarray(image).mean())

    def encode(self, batch):
        return np.array([[np.nan, 1.0] if mean < 100 else [1.0, 0.0] for mean in batch], np.float32)


def test_every_bad_vector_of_a_batch_is_a_rejected_row(tmp_path) -> None:
    rows = []
    for number, grey in enumerate((0, 200, 10, 20)):
        path = tmp_path / f"{number}.bmp"
        Image.new("RGB", (8, 8), (grey, grey, grey)).save(path)
        rows.append(
            {
                "image_id": str(number),
                "status": "ok",
                "error": None,
                "uri": str(path),
                "offset": 0,
                "length": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        )
    stage = Embed(EmbedSettings(encoders={"odd": {"kind": "colour"}}))
    stage.setup(Machine())
    stage._encoders["odd"] = Within(Nothing())
    table = stage.transform(pa.Table.from_pylist(rows))
    assert table.column("status").to_pylist() == ["bad_vector", "ok", "bad_vector", "bad_vector"]
