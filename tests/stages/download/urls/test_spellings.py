"""One URL in many spellings: opted out in each of them, and what an earlier version fetched is found again."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.downloads import downloaded, stage_of
from world.earlier import IDS, SPELLINGS, fetched_earlier, write_urls
from world.made_up_web import MadeUpWeb

from stages.download.stage import Download
from stages.download.urls import getting

OTHER = "http://host/~u/caf\u00e9/p(1)%2Fok-2.jpg"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> MadeUpWeb:
    made_up = MadeUpWeb()
    monkeypatch.setattr(getting, "fetched", made_up.fetched)
    return made_up


def stage(folder: Path, opted: str = "") -> Download:
    (folder / "opt-out.txt").write_text(opted, encoding="utf-8")
    fetch = {"contact": "me@example.org", "opt_out": str(folder / "opt-out.txt")}
    return stage_of("urls", folder / "tables", into=str(folder / "into"), fetch=fetch)


@pytest.mark.parametrize("listed", SPELLINGS)
def test_a_url_is_opted_out_however_the_list_and_the_table_spell_it(
    tmp_path: Path, web: MadeUpWeb, listed: str
) -> None:
    write_urls(tmp_path, [*SPELLINGS, OTHER])
    assert len(downloaded(stage(tmp_path)).ok) == len(SPELLINGS) + 1
    rows = downloaded(stage(tmp_path, listed)).rows
    assert {row["url"]: row["status"] for row in rows} == {**dict.fromkeys(SPELLINGS, "opted_out"), OTHER: "ok"}


def test_what_an_earlier_version_fetched_is_found_under_the_same_image_ids(tmp_path: Path, web: MadeUpWeb) -> None:
    fetched_earlier(tmp_path)
    rows = downloaded(stage(tmp_path)).rows
    assert web.asked == []
    assert {row["url"]: row["image_id"] for row in rows} == IDS
    assert {row["status"] for row in rows} == {"ok"}


def test_what_an_earlier_version_fetched_is_opted_out_in_any_spelling(tmp_path: Path, web: MadeUpWeb) -> None:
    fetched_earlier(tmp_path)
    rows = downloaded(stage(tmp_path, next(iter(SPELLINGS)))).rows
    assert {row["url"] for row in rows if row["status"] == "opted_out"} == set(SPELLINGS)
    assert web.asked == []
