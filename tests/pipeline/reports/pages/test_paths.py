"""What the page shows of a path: enough to know the folder, nothing of the person."""

from __future__ import annotations

import pytest

from pipeline.reports.pages.paths import shortened


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/home/ann/Pictures/2021/*.tar", "…/2021/*.tar"),
        ("/home/ann/Pictures", "~/Pictures"),
        ("/home/ann", "~"),
        ("/Users/ann/a/b/c", "…/b/c"),
        ("/root/photos", "~/photos"),
        ("/var/home/ann/x", "~/x"),
        ("~/Pictures/2021/rome", "…/2021/rome"),
        ("../../data/photos", "…/data/photos"),
        ("/data/photos", "/data/photos"),
        ("/data/a/photos", "…/a/photos"),
        ("file:///home/ann/a/b", "file://…/a/b"),
        ("local-dir:/srv/models/clip/lite", "local-dir:…/clip/lite"),
        ("{/home/ann/a,/home/bob/b}/*.tar", "{~/a,~/b}/*.tar"),
        ("s3://bucket/a/b/c/*.tar", "s3://bucket/a/b/c/*.tar"),
        ("facebook/dinov2-small", "facebook/dinov2-small"),
        ("CC BY 4.0 / CC BY-SA", "CC BY 4.0 / CC BY-SA"),
        (["/home/ann/a/b", 3], ["…/a/b", 3]),
        (None, None),
    ],
)
def test_a_path_is_its_last_two_parts_without_a_home(value: object, shown: object) -> None:
    assert shortened(value) == shown
