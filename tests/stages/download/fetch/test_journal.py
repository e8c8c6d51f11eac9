"""The journal: whatever end its writer met, what it holds is whole."""

from __future__ import annotations

import hashlib
import resource
from pathlib import Path

import pytest

from stages.download.fetch.journal import Journal, Outcome, keep_fetched

AT = "2026-11-21T12:00:00+00:00"


def came(url: str, data: bytes) -> Outcome:
    return Outcome(url, "ok", None, hashlib.sha256(data).hexdigest(), AT, len(data))


GONE = Outcome("http://a/gone", "not_found", "status 404", None, AT)
ENTRIES = [(came("http://a/1", b"one\n{"), b"one\n{"), (GONE, b""), (came("http://a/ü", b"\n" * 50), b"\n" * 50)]


def written(path: Path) -> bytes:
    journal = Journal(path)
    for outcome, data in ENTRIES:
        journal.add(outcome, data)
    journal.close()
    return path.read_bytes()


def held(path: Path) -> dict[str, tuple[str, bytes | None]]:
    journal = Journal(path)
    found = {url: (outcome.status, journal.data(outcome)) for url, outcome in journal.known.items()}
    journal.close()
    return found


WHOLE = {outcome.url: (outcome.status, data) for outcome, data in ENTRIES}


def test_what_was_written_is_known_to_the_next(tmp_path: Path) -> None:
    written(tmp_path / "journal")
    assert held(tmp_path / "journal") == WHOLE


def test_a_journal_torn_at_any_byte_keeps_every_whole_entry_and_takes_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    whole = written(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = held(path)
        assert list(found.items()) == list(WHOLE.items())[: len(found)]
        assert whole.startswith(path.read_bytes())
        journal = Journal(path)
        journal.add(*ENTRIES[-1])
        journal.close()
        assert held(path) == found | dict([list(WHOLE.items())[-1]])
    assert len(found) == 2


def test_bytes_that_a_disk_changed_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(written(path).replace(b"one\n{", b"two\n{"))
    assert held(path)["http://a/1"] == ("ok", None)


def test_only_images_are_kept_where_the_rest_is_to_be_asked_again(tmp_path: Path) -> None:
    written(tmp_path / "journal")
    keep_fetched(tmp_path / "journal")
    assert held(tmp_path / "journal") == {url: told for url, told in WHOLE.items() if told[0] == "ok"}
    assert [path.name for path in tmp_path.iterdir()] == ["journal"]


def test_an_entry_that_does_not_fit_on_the_disk_leaves_no_half(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    size = len(written(path))
    journal, limits = Journal(path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300, limits[1]))
    try:
        with pytest.raises(OSError):
            journal.add(came("http://a/large", bytes(1000)), bytes(1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.stat().st_size == size
    journal.add(came("http://a/small", b"small"), b"small")
    journal.close()
    assert held(path) == WHOLE | {"http://a/small": ("ok", b"small")}
