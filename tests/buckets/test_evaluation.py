"""A run in a bucket is evaluated there: what was replied is kept, and the page lies beside the scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.asked_here import asked_here
from world.authoring import frozen_run
from world.chat_server import chat_server, failure, said
from world.store import Bucket

from manifests.errors import TasksFailed
from manifests.storage import Folder
from pipeline.launch.evaluate import evaluate, of_run, scores


def test_a_run_in_a_bucket_is_evaluated_there_and_keeps_what_a_failing_model_replied(
    bucket: Bucket, tmp_path: Path
) -> None:
    url = bucket.upload(frozen_run(tmp_path, 2), "evaluated")
    with chat_server(said("A"), said("A"), failure(400, "too long"), failure(500)) as server, asked_here():
        model = f"gpt=openai:m,url={server.url},in_flight=1,deadline_s=0.5"
        with pytest.raises(TasksFailed, match="500"):
            evaluate(of_run(url, [model, "oracle=oracle"]), quiet=True)
    folder = Folder(f"{url}/evaluation-1")
    assert len((folder / "_replies" / "predictions-gpt").sizes()) == 3
    (found,) = scores(url).to_json()["models"]
    assert found["name"] == "oracle"
    assert found["scores"]["all"]["group_accuracy"]["value"] == 1.0
    assert folder.read("leaderboard.html").rstrip().endswith(b"</html>")
    assert not (folder / "_replies" / "predictions-oracle").sizes()
