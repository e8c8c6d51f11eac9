"""Store: what people write, in one SQLite file beside the run, safe from crashes and from each other.

Each change is a transaction that must name the version it was made from; the second of two conflicting changes is
rejected. The earlier state is kept in `history`, for undo. WAL: readers do not wait for writers; FULL: a change that
was acknowledged is on the disk. SQLite's locks need a local disk.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stages.author import tables
from stages.author.answers import Answer
from stages.author.authored import CHOICES, LETTERS, SIDES, TEXTS, WORDS, Authored, Ids, checked
from stages.author.opening import connected, forget_images, restored, secret, sqlite_errors, transaction

NAME = "_author.sqlite"
WAIT_S = 15.0  # for another process that writes


class Conflict(Exception):
    """Somebody else changed the pair since it was read; `now` is its current state."""

    def __init__(self, now: Authored) -> None:
        super().__init__(f"changed by {now.changed_by} at {now.changed_at}")
        self.now = now


class Store:
    """The store of one run. May be used from several threads, and opened by several processes at once."""

    def __init__(self, path: Path) -> None:
        """Open or create it. Raises Refused for a file that is no store, is of a newer version, or cannot be opened.

        Every method raises StoreFailed, a Refused, if the file cannot be read or written now.
        """
        self.path = path
        self._turn = threading.RLock()
        self._db = connected(path, WAIT_S)

    def close(self) -> None:
        self._db.close()

    @property
    def changed_elsewhere(self) -> int:
        """A number that changes when another process (or another Store) has written."""
        return int(self._read("PRAGMA data_version")[0][0])

    def pair(self, left_id: str, right_id: str) -> Authored:
        """Return what was written about a pair; version 0 if nothing was."""
        rows = self._read(tables.PAIR, left_id, right_id)
        return Authored(**rows[0]) if rows else Authored(left_id, right_id)

    def pairs(self) -> list[Authored]:
        """Return every pair that was touched, ordered by its ids."""
        return [Authored(**row) for row in self._read(tables.PAIRS)]

    def change(
        self, pair: Authored, changes: Mapping[str, Any], by: str, draft: str = "", joins_s: float = 0
    ) -> Authored:
        """Write `changes` to the pair as it was read (`pair.version`); return its new state, or the old if equal.

        Its author is whoever last wrote its words, not whoever decided on it or sorted it. Empty `changes` accept a
        draft's words as they are.
        `draft`: the model that wrote the words. `joins_s`: seconds within which a person's further typing in one text
        joins the change before, so that one undo takes back all of it. Raises Conflict if the pair was changed since,
        Unwritable for changes that are not valid for any pair.
        """
        values: dict[str, Any] = dict(checked(changes))
        writes = bool(draft) or not changes or any(name in WORDS for name in changes)
        with self._writing():
            now = self.pair(pair.left_id, pair.right_id)
            if now.version != pair.version:
                raise Conflict(now)
            if not (draft or now.draft) and replace(now, **values) == now:
                return now  # no word is other than it was, and there is no draft whose words could be accepted
            if writes:
                values |= {"author": by, "authored_at": utc_now(), "draft": draft, "writers": now.written_by(by)}
            earlier = self._goes_on(now, changes, by, joins_s)
            after = self._put(now, replace(now, **values), by, kept=earlier is None)
            if earlier is not None:
                self._db.execute(tables.JOINED, (after.version, earlier))
            return after

    def adopt(self, pairs: Sequence[Authored], by: str) -> None:
        """Write entire pairs as somebody else wrote them, author and time included: all of them or none.

        Raises Conflict if one of them was changed since it was read (`version`; 0: it was not there).
        """
        with self._writing():
            for pair in pairs:
                now = self.pair(pair.left_id, pair.right_id)
                if now.version != pair.version:
                    raise Conflict(now)
                self._put(now, replace(pair, writers=pair.written_by(pair.author or by)), by)

    def undo(self, by: str) -> Authored | None:
        """Undo this person's last change that is not yet undone, and return the pair; None if there is no such change.

        Raises Conflict if somebody else changed that pair since; the next undo is then of the change before it.
        """
        with self._writing():
            if not (rows := self._read(tables.LAST_CHANGE, by)):
                return None
            change, before, made = rows[0]
            self._db.execute(tables.UNDONE, (change,))
            then = restored(before, self.path)
            now = self.pair(then.left_id, then.right_id)
            if now.version == made:
                back = self._put(now, then, by, kept=False)
                # the change before this one made the state that is now restored under a new version number
                self._db.execute(tables.RENUMBERED, (back.version, then.left_id, then.right_id, then.version))
                return back
        raise Conflict(now)

    def answer(self, given: Answer) -> None:
        """Keep a person's answer; a later one to the same question replaces it."""
        if given.side not in SIDES or given.chosen not in LETTERS:
            raise ValueError(f"an answer is of the left or right image, a or b: {given}")
        with self._writing():
            self._db.execute(tables.PUT_ANSWER, asdict(given))

    def answers(self) -> list[Answer]:
        """Return all answers of all people, including those to questions that were changed since."""
        return [Answer(**row) for row in self._read(tables.ANSWERS)]

    def spelling(self, person: str) -> str:
        """Return this person's name as spelled before (`Ann` and `ann ` are one person); as given if it is new."""
        written = [name for pair in self.pairs() for name in (pair.author, *pair.writers.split("\n"))]
        known = (*(one.person for one in self.answers()), *written)
        return next((name for name in known if name.casefold() == person.strip().casefold()), person)

    def secret(self) -> bytes:
        """Return 32 random bytes of this store alone, made when they are first requested."""
        with self._writing():
            return secret(self._db)

    def forget(self, image_ids: Sequence[str]) -> int:
        """Delete and overwrite all that was written about pairs with these images, history included; return how many.

        Raises StoreFailed if another process holds the old pages; repeating the call then does the rest.
        """
        with self._turn, sqlite_errors(self.path):
            return forget_images(self._db, self.path, image_ids)

    def choose(self, ids: Ids, thresholds: str) -> None:
        """Keep by which thresholds the run had this pair when a person chose it; a later choice replaces it."""
        with self._writing():
            self._db.execute(tables.CREATE_CHOSEN)  # older stores have no such table
            self._db.execute(tables.PUT_CHOSEN, (*ids, thresholds))

    def chosen(self) -> dict[Ids, str]:
        """Return by which thresholds the run had each pair when a person chose it, as far as that is known."""
        rows = self._read(tables.CHOSEN) if self._read(tables.HAS_CHOSEN) else []
        return {(row["left_id"], row["right_id"]): row["thresholds"] for row in rows}

    def _goes_on(self, now: Authored, changes: Mapping[str, Any], by: str, joins_s: float) -> int | None:
        """Return the change in `history` that this one continues: by the same person, of the same text."""
        rows = self._read(tables.CHANGE_BEFORE, now.left_id, now.right_id)
        if not rows or not joins_s or now.changed_by != by or rows[0]["undone"] or rows[0]["made"] != now.version:
            return None
        before = restored(rows[0]["before"], self.path)
        changed = {name for name in (*TEXTS, *CHOICES) if getattr(before, name) != getattr(now, name)}
        age = datetime.now(UTC) - datetime.fromisoformat(now.changed_at)
        is_one_text = changed == set(changes) and len(changed) == 1 and changed <= set(TEXTS)
        return int(rows[0]["change"]) if is_one_text and age.total_seconds() <= joins_s else None

    def _put(self, before: Authored, after: Authored, by: str, *, kept: bool = True) -> Authored:
        if not after.left_id < after.right_id:
            raise ValueError(f"a pair's left_id is the smaller: {after.left_id}, {after.right_id}")
        now = replace(after, version=before.version + 1, changed_by=by, changed_at=utc_now())
        self._db.execute(tables.PUT_PAIR, now.to_json())
        if kept:
            told = (now.left_id, now.right_id, json.dumps(before.to_json()), now.version, by, now.changed_at)
            self._db.execute(tables.PUT_HISTORY, told)
        return now

    def _read(self, query: str, *values: str) -> list[Any]:
        with self._turn, sqlite_errors(self.path):
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Run the block as one transaction of one thread."""
        with self._turn, sqlite_errors(self.path), transaction(self._db):
            yield


def utc_now() -> str:
    """Return the current time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
