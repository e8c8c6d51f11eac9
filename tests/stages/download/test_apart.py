"""Apart: a run may lie beside a source's files, and not where the source would read it."""

import pytest

from stages.download.overlap import would_read, would_write
from stages.download.settings import KINDS, FolderSettings, UrlsSettings

FILES = ("report.html", "images/_plan.json", "images/00000.parquet", "pairs/_lineage.json")


@pytest.mark.parametrize("root", ["s3://b", "/mnt", "memory://b"])
@pytest.mark.parametrize(
    ("kind", "uri", "run", "read"),
    [
        ("folder", "/data", "/data/runs/a", True),
        ("folder", "/data/", "/data/runs/a", True),
        ("folder", "", "/data/runs/a", True),
        ("folder", "/data", "/database/a", False),
        ("folder", "/data/photos", "/data/runs/a", False),
        ("shards", "/data/*.tar", "/data/a", False),
        ("shards", "/data/**", "/data/runs/a", True),
        ("shards", "/data/*/*/*", "/data/runs/a", True),
        ("shards", "/data/{runs,more}/a/*", "/data/runs/a", True),
        ("shards", "/data/{photos,more}/a/*", "/data/runs/a", False),
        ("shards", "/data/{00000..99999}/{00..99}/*.tar", "/data/runs/a", False),
        ("img2dataset", "/data", "/data/a", False),
        ("img2dataset", "/data/a/images", "/data/a", True),
        ("img2dataset", "/data/a/*/{00000..00099}.tar", "/data/a", True),
        ("img2dataset", "/data/{00000..00099}.tar", "/data/a", False),
        ("shards", "/data/{a", "/data/a", False),
        *((kind, "/data", "/data/runs/a", True) for kind in ("parquet", "imagenet")),
        *((kind, "/data/**/*.parquet", "/data/runs/a", True) for kind in ("parquet", "imagenet")),
        *((kind, "/data/*.parquet", "/data/a", False) for kind in ("parquet", "imagenet")),
        ("imagenet", "/data/ILSVRC2012_img_train.tar", "/data/a", False),
        ("urls", "/data/a/images", "/data/a", True),
        ("urls", "/data/*/*/*.parquet", "/data/runs", True),
        ("urls", "/data/tables", "/data/a", False),
    ],
)
def test_a_source_would_read_a_run_or_not(root: str, kind: str, uri: str, run: str, read: bool) -> None:
    more = {"into": "/into", "fetch": {"contact": "me@example.org"}} if kind == "urls" else {}
    source = KINDS[kind].model_validate({"name": "some", "kind": kind, "uri": root + uri, **more})
    assert would_read(source, root + run, FILES) is read


def test_a_run_in_a_bucket_is_apart_from_a_source_on_a_disk() -> None:
    source = FolderSettings(name="some", kind="folder", uri="/data")
    assert not would_read(source, "s3://data/runs", FILES)


@pytest.mark.parametrize(("into", "inside"), [("/runs/a/fetched", True), ("/runs/a", True), ("/runs/ab", False)])
def test_what_is_fetched_lies_outside_the_run(into: str, inside: bool) -> None:
    source = UrlsSettings(name="some", kind="urls", uri="/data", into=into, fetch={"contact": "me@example.org"})
    assert would_write(source, "/runs/a") is inside
