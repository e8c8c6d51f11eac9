"""Desk: everything that one person's page reads and writes: the queue, the store, and both combined."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.benchmark.freeze import freeze, is_changed
from pipeline.benchmark.missed import missed
from pipeline.benchmark.page.live import LiveQueue
from pipeline.benchmark.page.queue import Queue
from pipeline.benchmark.unlisted import Unlisted
from pipeline.run.run import Run
from stages.author.authored import BENCHMARK, DUPLICATE, KEPT, OPEN, REJECTED, TRAINING, Authored, Ids
from stages.author.store import Store
from stages.author.unfinished import unfinished
from stages.patterns import PAIRS_EACH, PATTERNS

WANTED = 150  # pairs in MMVP
TYPING_S = 20.0  # after such a pause in typing, undo takes back only what came later
SHOWS = ("all", OPEN, KEPT, "unfinished", REJECTED, DUPLICATE, "missed", "unlisted")


@dataclass(frozen=True)
class Known:
    """The content of the store at one moment, read once until it changes."""

    written: Mapping[Ids, Authored]
    missed: Mapping[Ids, tuple[str, ...]]  # who answered it wrongly
    changed: bool  # since the newest frozen version


class Desk:
    """One run as one person works on it. Used by many threads."""

    def __init__(self, run: Run, store: Store, person: str) -> None:
        """Raises NotCommitted if the run's images or pairs are not complete."""
        self.run, self.store, self.person = run, store, person
        self._turn = threading.Lock()
        self._heard = store.changed_elsewhere
        self._known = self._read()
        self._chosen = store.chosen()
        self._live = LiveQueue(run, lambda: self._known.written.values())

    @property
    def queue(self) -> Queue:
        """The pairs as they are now. A request reads it once."""
        return self._live.now()

    @property
    def known(self) -> Known:
        """What people wrote; read again after another process has written."""
        with self._turn:
            if (heard := self.store.changed_elsewhere) != self._heard:
                self._known, self._heard = self._read(), heard
            return self._known

    def written(self, ids: Ids) -> Authored:
        return self.known.written.get(ids) or Authored(*ids)

    def takes(self, ids: Ids) -> bool:
        """Whether a pair may be written to: it is in the queue, or was when a page showed it."""
        return self._live.was_shown(ids)

    def change(self, ids: Ids, version: int, changes: Mapping[str, Any], draft: str = "") -> Authored:
        """Write to a pair as this person. Raises Conflict, Unwritable."""
        read = replace(Authored(*ids), version=version)
        pair = self._heard_of(self.store.change(read, changes, self.person, draft, joins_s=TYPING_S))
        self._note_choice(pair)
        if ids not in self.queue.places:  # it left the run while being written: now it is a pair that people wrote
            self._live.read_again()
        return pair

    def undo(self) -> Authored | None:
        """Undo this person's last change. Raises Conflict."""
        back = self.store.undo(self.person)
        return back and self._heard_of(back)

    def matching(self, queue: Queue, show: str, search: str) -> list[int]:
        """Return the places in `queue` of the pairs that `show` selects and that contain every word of the search."""
        known, words = self.known, search.lower().split()

        def matches(ids: Ids, text: str) -> bool:
            one = known.written.get(ids) or Authored(*ids)
            text = f"{text} {_words(one)}" if words and one.version else text
            is_odd = show == "unlisted" and _is_unlisted(queue, one)
            return (is_odd or _is_shown(show, one, bool(known.missed.get(ids)))) and all(word in text for word in words)

        return queue.found(lambda pair, text: matches(pair.ids, text))

    def progress(self) -> dict[str, Any]:
        """Return the progress of the work, as the page shows it."""
        known, queue = self.known, self.queue
        places, pairs = queue.places, list(known.written.values())
        decided = Counter(pair.decision for pair in pairs)
        whole = [pair for pair in pairs if pair.whole]
        asked = Counter(pair.pattern for pair in whole if pair.asks and pair.use == BENCHMARK)
        stated = Counter(pair.pattern for pair in whole if pair.states and pair.use == BENCHMARK)
        frozen, unlisted = self.run.versions(), _unlisted(queue, pairs)
        return {
            "queue": len(places),
            OPEN: len(places) - sum(decided[one] for one in (KEPT, REJECTED, DUPLICATE)),
            **{one: decided[one] for one in (KEPT, REJECTED, DUPLICATE)},
            "whole": sum(pair.use == BENCHMARK and pair.asks for pair in whole),
            "wanted": WANTED,
            TRAINING: sum(pair.use == TRAINING for pair in whole),
            "unfinished": sum(_is_shown("unfinished", pair, False) for pair in pairs),
            "missed": len(known.missed),
            "unlisted": len(unlisted.pairs),
            "unlisted_says": str(unlisted),
            "patterns": {one.name: {"asked": asked[one.name], "stated": stated[one.name]} for one in PATTERNS},
            "each": PAIRS_EACH,
            "frozen": frozen[-1] if frozen else None,
            "changed": known.changed,
        }

    def freeze(self) -> tuple[int, int, bool]:
        """Freeze and return the version, its number of questions, and whether it is new. Raises Waiting, Refused."""
        version, manifest, new = freeze(self.run, self.store.path)
        with self._turn:
            self._known = self._read()
        return version, manifest.rows, new

    def unfinished(self) -> str:
        """Return in words what the kept pairs lack that freezing leaves out; empty if there is none."""
        return str(unfinished(list(self.known.written.values())))

    def _note_choice(self, pair: Authored) -> None:
        """Keep by which thresholds the run had a kept pair, for when it is filtered anew before anything is frozen."""
        queue = self.queue
        if pair.decision != KEPT or not queue.thresholds or pair.ids not in queue.places:
            return
        if queue.is_listed(pair.ids) and self._chosen.get(pair.ids) != queue.thresholds:
            self.store.choose(pair.ids, queue.thresholds)
            self._chosen[pair.ids] = queue.thresholds

    def _heard_of(self, pair: Authored) -> Authored:
        with self._turn:
            known = self._known
            written = {**known.written, pair.ids: pair}
            self._known = Known(written, missed(list(written.values()), self.store.answers()), changed=True)
        return pair

    def _read(self) -> Known:
        pairs = self.store.pairs()
        written = {pair.ids: pair for pair in pairs}
        return Known(written, missed(pairs, self.store.answers()), is_changed(self.run.reopened(), self.store.path))


def _is_shown(show: str, pair: Authored, is_missed: bool) -> bool:
    if show == "unfinished":
        return pair.decision == KEPT and bool(pair.lacks)
    return is_missed if show == "missed" else show in ("all", pair.decision)


def _is_unlisted(queue: Queue, pair: Authored) -> bool:
    """Whether people kept it and the run no longer finds it."""
    return pair.decision == KEPT and pair.ids in queue.places and not queue.is_listed(pair.ids)


def _unlisted(queue: Queue, pairs: Sequence[Authored]) -> Unlisted:
    """Name the kept pairs that the run no longer finds."""
    named = ([queue.photos[one] for one in pair.ids] for pair in pairs if _is_unlisted(queue, pair))
    names = (" and ".join(f"{photo.source}/{photo.key}" for photo in both) for both in named)
    return Unlisted(tuple(names), queue.thresholds, "kept pair")


def _words(pair: Authored) -> str:
    return " ".join((pair.question, pair.option_a, pair.option_b, pair.left_statement, pair.right_statement)).lower()
