"""Places: what a path or URL means, and what is refused before anything is asked of a store."""

import sys
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import _registry as loaded

from manifests.errors import Refused
from manifests.stores.places import is_local, lies_in, place


@pytest.mark.parametrize("name", ["a::b", "s3::a", "memory::/x", "a b#c?d[e]*"])
def test_a_path_is_one_of_this_disk_whatever_characters_it_holds(name: str, tmp_path: Path) -> None:
    fs, path = place(str(tmp_path / name))
    assert isinstance(fs, LocalFileSystem)
    assert path == str(tmp_path / name)


def test_a_file_url_is_a_path(tmp_path: Path) -> None:
    assert place(f"file://{tmp_path}/a::b") == place(str(tmp_path / "a::b"))
    assert is_local(f"file://{tmp_path}")


def test_two_colons_in_a_files_name_in_a_bucket_are_part_of_it() -> None:
    assert place("s3://bucket/a::b/c.tar")[1] == "bucket/a::b/c.tar"


def test_nothing_a_store_once_listed_is_remembered() -> None:
    assert not place("s3://bucket/a")[0].dircache.use_listings_cache


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIAKEY:hidden@bucket/runs",
        "s3://AKIAKEY:hid/den@bucket/runs",  # a secret may hold a "/"
        "s3://hidden@bucket/runs",
        "gs://user:hidden@bucket",
        "sftp://user:hidden@host/runs",
    ],
)
def test_a_url_that_holds_a_password_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(Refused, match="written into manifests") as caught:
        place(url)
    assert not any(word in str(caught.value) for word in ("hid", "AKIA", "user:"))


def test_an_access_point_is_no_password() -> None:
    arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/photos"
    assert place(f"s3://{arn}/a")[1] == f"{arn}/a"


@pytest.mark.parametrize("url", ["nope://a/b", "simplecache::s3://a/b"])
def test_a_protocol_nobody_knows_is_refused_by_name(url: str) -> None:
    with pytest.raises(Refused, match=f"{url.split('://')[0]}:// is not a supported kind of location"):
        place(url)


def test_a_protocol_whose_library_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gs", "gcs"):
        monkeypatch.delitem(loaded, name, raising=False)
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(Refused, match=r"pip install blindpairs\[gs\]"):
        place("gs://bucket/a")


@pytest.mark.parametrize(
    ("url", "folder", "inside"),
    [
        ("s3://b/data/runs", "s3://b/data", True),
        ("s3a://b/data/runs", "s3://b/data/", True),
        ("s3://b/data", "s3://b/data", True),
        ("s3://b/database", "s3://b/data", False),
        ("memory://b/data/runs", "s3://b/data", False),
        ("/data/../b/data/runs", "/b/data", True),
        ("file:///data/runs", "/data", True),
        ("/b/data/runs", "s3://b/data", False),
    ],
)
def test_what_lies_in_a_folder_is_told_by_place_not_by_spelling(url: str, folder: str, inside: bool) -> None:
    assert lies_in(url, folder) is inside
