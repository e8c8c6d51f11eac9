"""How quick the authors' page is with many pairs: first paint, the next pair, a search, a key until it is kept.

    python -m tests.benchmarks.author_page [PAIRS]      (5,000 unless told)

The browser and the server share this machine. Times are the page's own clock: a step is from the press of a key until
both new photos are decoded and painted.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

# the tests' world, which pytest finds by itself
sys.path.insert(0, str(Path(__file__).parents[1]))

from world.browser import authoring, crowded_run, opened_browser
from world.pages import Writing

SIZE = (640, 480)
VISITS = 5
STEPS = 60
PAINT = """() => ({...Object.fromEntries(performance.getEntriesByType("paint").map((one) => [one.name, one.startTime])),
    load: performance.getEntriesByType("navigation")[0].loadEventEnd})"""
WATCH = """() => {
    window.times = [];
    const place = document.getElementById("place");
    const painted = async (began) => {
        const shown = [...document.querySelectorAll(".shot img")];
        await Promise.all(shown.map((image) => image.decode()));
        requestAnimationFrame(() => setTimeout(() => window.times.push(performance.now() - began)));
    };
    document.addEventListener("keydown", () => {
        const began = performance.now();
        new MutationObserver((_, watch) => { watch.disconnect(); painted(began); }).observe(place, {childList: true});
    }, {capture: true});
}"""


def photo(number: int) -> bytes:
    """A JPEG of a photo's size: coarse shapes with fine grain."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    grained = np.asarray(coarse) + rng.normal(0, 9, (SIZE[1], SIZE[0], 1))
    stream = io.BytesIO()
    Image.fromarray(np.clip(grained, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def until(page: Writing, condition: str) -> float:
    """The page's clock at the first frame in which this holds."""
    waiting = f"while (!({condition})) await new Promise(requestAnimationFrame);"
    return page.page.evaluate(f"async () => {{ {waiting} return performance.now(); }}")


def told(name: str, times: list[float]) -> None:
    ordered = sorted(times)
    print(f"{name:32}{statistics.median(ordered):8.0f} ms median{ordered[-1]:8.0f} ms at most   of {len(ordered)}")


def steps(page: Writing, *, quick: bool) -> list[float]:
    """Times of STEPS pairs walked to, each looked at for a moment, or one after the other at once."""
    page.page.evaluate("() => { window.times = []; }")
    for step in range(1, STEPS + 1):
        page.press("n")
        until(page, f"window.times.length === {step}")
        if not quick:
            page.page.wait_for_timeout(150)
    return page.page.evaluate("window.times")


def searches(page: Writing) -> list[float]:
    """Times from the last letter of a search until its pair is shown; for 250 ms the page waits for more."""
    times = []
    for number in (91, 17, 64):
        page.press("/", "Control+a")
        page.type(f"{number:05d}")
        began = page.page.evaluate("performance.now()")
        times.append(until(page, f"document.querySelector('.words').textContent.includes('{number:05d}')") - began)
        page.press("Escape")
    page.press("/", "Control+a", "Delete", "Escape")
    return times


def saves(page: Writing) -> list[float]:
    """Times from a key until the server has it."""
    times = []
    for _ in range(20):
        began = page.page.evaluate("performance.now()")
        page.press("t")
        times.append(until(page, "document.getElementById('state').dataset.state === 'saved'") - began)
    return times


def main(pairs: int) -> None:
    with tempfile.TemporaryDirectory() as folder, opened_browser() as browser:
        run = crowded_run(Path(folder), pairs, name="crowded", drawn=photo)
        with authoring(run) as url:
            visits = []
            for _ in range(VISITS):
                page = Writing(browser, url, viewport={"width": 1366, "height": 768})  # nothing is cached
                page.is_saved()
                visits.append(page.page.evaluate(PAINT))
            page.page.evaluate(WATCH)
            print(f"{pairs:,} pairs, photos of {SIZE[0]} x {SIZE[1]}")
            told("first contentful paint", [visit["first-contentful-paint"] for visit in visits])
            told("all loaded, photos too", [visit["load"] for visit in visits])
            told("next pair", steps(page, quick=False))
            told("next pair, as fast as it goes", steps(page, quick=True))
            told("search", searches(page))
            told("a key until it is kept", saves(page))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
