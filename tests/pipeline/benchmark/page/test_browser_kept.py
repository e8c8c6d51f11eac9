"""Nothing typed is lost: a server that is killed, a reload, an answer that got lost; and words stay words."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Route, expect
from world.authoring import paired_run, written_of
from world.browser import authoring, program
from world.pages import PATIENCE_MS, Writing

EVIL = """</textarea></script><script>alert("run")</script><img src=x onerror=alert("run")>&lt;b&gt;"'{{7*7}}"""


def test_a_server_killed_while_somebody_types_loses_nothing(tmp_path: Path, browser: Browser) -> None:
    run = paired_run(tmp_path, 3)
    with program(run) as server:
        page = Writing(browser, server.url)
        page.press("k", "e")
        page.type("Is the door")
        page.is_saved()
        server.kill()
        page.type(" open or closed?")
        expect(page.page.locator("#state")).to_have_text("Not saved, trying again")
        expect(page.page.get_by_role("status").filter(has_text="Not saved, trying again")).to_have_count(1)
        page.press("Enter")
        page.type("Open")
        page.press("Escape", "3", "n")
        page.is_at(2)  # it was fetched ahead
        page.press("r")
        server.start()
        page.is_saved()
        page.has(question="")
    assert (written_of(run).question, written_of(run).option_a) == ("Is the door open or closed?", "Open")
    assert (written_of(run).pattern, written_of(run).decision, written_of(run, 1).decision) == (
        "state",
        "kept",
        "rejected",
    )


def test_a_page_that_is_reloaded_before_all_was_sent_still_has_it(tmp_path: Path, browser: Browser) -> None:
    run = paired_run(tmp_path, 2)
    with authoring(run) as url:
        page = Writing(browser, url)
        page.page.route("**/api/pairs/*/*", lambda route: route.abort())
        page.press("e")
        page.type("Unsent?")
        expect(page.page.locator("#state")).to_have_text("Not saved, trying again")
        page.page.unroute_all()
        page.page.reload()
        page.is_saved()
        page.has(question="Unsent?")
    assert written_of(run).question == "Unsent?"


def test_an_answer_that_was_lost_on_its_way_is_no_conflict(tmp_path: Path, browser: Browser) -> None:
    run = paired_run(tmp_path, 1)
    with authoring(run) as url:
        page = Writing(browser, url)
        lost: list[str] = []
        held: list[Route] | None = []

        def lose(route: Route) -> None:
            """The first answer; what is asked then waits until the page was seen to try again."""
            if not lost:
                lost.append(route.fetch(timeout=PATIENCE_MS).text())
                route.abort()
            elif held is not None:
                held.append(route)
            else:
                route.continue_()

        page.page.route("**/api/pairs/*/*", lose)
        page.press("e")
        page.type("Is it?")
        expect(page.page.locator("#state")).to_have_text("Not saved, trying again")
        page.type(" Yes.")
        waiting, held = held, None
        for route in waiting:
            route.continue_()
        page.is_saved()
        expect(page.page.get_by_role("alert")).to_be_hidden()
    assert len(lost) == 1
    assert written_of(run).question == "Is it? Yes."


def test_words_that_the_server_refuses_stay_and_go_with_the_next_change(tmp_path: Path, browser: Browser) -> None:
    run = paired_run(tmp_path, 1)
    with authoring(run) as url:
        page = Writing(browser, url)
        page.page.route("**/api/pairs/*/*", lambda route: route.fulfill(status=422, json={"error": "too odd"}))
        page.press("e")
        page.type("Is it?")
        expect(page.page.locator("#state")).to_have_text("Not saved: too odd")
        page.page.unroute_all()
        page.press("Escape", "k")
        page.is_saved()
    assert (written_of(run).question, written_of(run).decision) == ("Is it?", "kept")


def test_words_are_not_sent_to_another_run_that_is_served_here_now(tmp_path: Path, browser: Browser) -> None:
    run = paired_run(tmp_path, 1)
    with authoring(run) as url:
        page = Writing(browser, url)
        token = page.page.locator("body").get_attribute("data-token")
        other = f'<body data-page="author" data-run="other" data-person="ann" data-token="{token}-">'
        page.page.route(url, lambda route: route.fulfill(body=other, content_type="text/html"))
        tokens = set()

        def refuse(route: Route) -> None:
            tokens.add(route.request.headers["x-blindpairs-token"])
            route.fulfill(status=403, json={"error": "reload it"})

        page.page.route("**/api/pairs/*/*", refuse)
        page.press("e")
        page.type("Is it?")
        expect(page.page.locator("#state")).to_have_text("Not saved: reload it")
        assert tokens == {token}
        page.page.unroute_all()
        page.page.reload()
        page.has(question="Is it?")
        page.is_saved()
    assert written_of(run).question == "Is it?"


def test_words_that_look_like_code_are_shown_as_words(tmp_path: Path, browser: Browser) -> None:
    run = paired_run(tmp_path, 3, captions=dict.fromkeys(range(6), EVIL))
    with authoring(run) as url:
        page = Writing(browser, url)
        page.press("k", "e")
        page.write(EVIL, EVIL, EVIL, EVIL, EVIL)
        page.press("a")
        page.is_saved()
        page.page.reload()  # now it comes with the page, in JSON and in alternative texts
        page.press("p")
        page.is_at(1)
        page.has(question=EVIL, option_a=EVIL)
        for place in ("#words-left .caption", "#words-right .caption"):
            expect(page.page.locator(place)).to_have_text(EVIL)
        expect(page.page.locator("#words-left .answer")).to_have_text(f"a{EVIL}")
        assert page.page.get_by_role("img", name=f"Left photo: {EVIL}", exact=True).count() == 1
        assert page.page.locator("img").count() == 2
        assert page.complaints == []


def test_a_photo_that_is_gone_is_said_to_be_gone(tmp_path: Path, browser: Browser) -> None:
    run = paired_run(tmp_path, 1)
    (tmp_path / "made-photos" / "00000.jpg").unlink()
    with authoring(run) as url:
        page = Writing(browser, url)
        expect(page.page.locator(".shot.gone")).to_have_count(1)
        assert all("410" in complaint for complaint in page.complaints)
