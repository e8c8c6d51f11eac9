"""The store: nobody's work is lost, to others, to a crash or to time; and what is forgotten is gone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from world.processes import PATIENCE_S

from manifests.errors import Refused
from stages.author import opening, tables
from stages.author import store as stores
from stages.author.answers import Answer
from stages.author.authored import WORDS, Authored, Unwritable
from stages.author.opening import StoreFailed
from stages.author.store import NAME, Conflict, Store

ROOT = Path(__file__).parents[3]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / NAME)
    yield opened
    opened.close()


def words(pair: Authored) -> Authored:
    """A pair without what tells when it was written."""
    return replace(pair, authored_at="", changed_at="")


# one writer


def test_a_pair_that_nobody_touched_is_open_and_not_among_the_pairs(store: Store) -> None:
    assert store.pair("l", "r") == Authored("l", "r")
    assert store.pairs() == []


def test_a_change_says_what_the_pair_is_now_and_keeps_the_rest(store: Store) -> None:
    first = store.change(store.pair("l", "r"), {"question": " Is it\nopen? ", "decision": "kept"}, "ann")
    second = store.change(first, {"option_a": "Open"}, "bob")
    expected = Authored("l", "r", decision="kept", question="Is it open?", option_a="Open", author="bob", version=2)
    assert words(second) == replace(expected, writers="ann\nbob", changed_by="bob")
    assert store.pair("l", "r") == second
    assert store.pairs() == [second]


def test_what_no_pair_can_be_is_not_written(store: Store) -> None:
    with pytest.raises(Unwritable):
        store.change(store.pair("l", "r"), {"question": "x", "decision": "perhaps"}, "ann")
    assert store.pairs() == []


def drafted(store: Store) -> Authored:
    """A draft that ann asked for, long ago."""
    store.change(store.pair("l", "r"), {"question": "x"}, "ann", draft="some-model")
    store._db.execute("UPDATE pairs SET authored_at = '2020'")
    return store.pair("l", "r")


def test_who_takes_a_draft_becomes_its_author(store: Store) -> None:
    draft = drafted(store)
    assert draft.draft == "some-model"
    taken = store.change(draft, {}, "bob")
    assert (taken.draft, taken.author, taken.writers, taken.question) == ("", "bob", "ann\nbob", "x")
    assert taken.authored_at == taken.changed_at > "2020-"


def test_without_a_draft_there_is_nothing_to_take(store: Store) -> None:
    wrote = store.change(Authored("l", "r"), {"question": "x"}, "ann")
    assert store.change(wrote, {}, "bob") == store.pair("l", "r") == wrote


def test_a_name_is_spelt_as_it_was_before(store: Store) -> None:
    store.change(Authored("l", "r"), {"question": "x"}, "Ann")
    store.change(store.pair("l", "r"), {"question": "y"}, "bob")
    store.answer(Answer("l", "r", "left", "Cat", "a", "asked", "now"))
    assert [store.spelling(name) for name in ("ann", " BOB", "cat", "Dan")] == ["Ann", "bob", "Cat", "Dan"]


@pytest.mark.parametrize("name", WORDS)
def test_who_changes_words_of_a_draft_becomes_its_author(store: Store, name: str) -> None:
    changed = store.change(drafted(store), {name: "a"}, "bob")
    assert (changed.draft, changed.author, changed.writers) == ("", "bob", "ann\nbob")
    assert changed.authored_at == changed.changed_at > "2020-"


@pytest.mark.parametrize("change", [{"decision": "kept"}, {"pattern": "text"}, {"use": "training"}])
def test_who_decides_or_sorts_takes_no_draft_and_becomes_no_author(store: Store, change: dict[str, str]) -> None:
    draft = drafted(store)
    sorted_ = store.change(draft, change, "bob")
    assert sorted_ == replace(draft, **change, version=2, changed_by="bob", changed_at=sorted_.changed_at)


@pytest.mark.parametrize("change", [{"decision": "rejected"}, {"pattern": "text"}, {"use": "training"}])
def test_who_decides_over_anothers_words_does_not_become_their_author(store: Store, change: dict[str, str]) -> None:
    first = store.change(store.pair("l", "r"), {"question": "one"}, "ann")
    second = store.change(first, change, "bob")
    assert (second.author, second.writers, second.changed_by) == ("ann", "ann", "bob")
    assert second.authored_at == first.authored_at


def test_all_who_wrote_words_are_known_though_others_wrote_over_them(store: Store) -> None:
    for person, text in (("ann", "one"), ("bob", "two"), ("cat", "three"), ("ann", "four")):
        store.change(store.pair("l", "r"), {"question": text}, person)
    pair = store.pair("l", "r")
    assert (pair.author, pair.writers) == ("ann", "ann\nbob\ncat")
    store.undo("ann")
    assert (store.pair("l", "r").author, store.pair("l", "r").writers) == ("cat", "ann\nbob\ncat")


def test_who_only_decided_over_a_pair_that_another_writes_later_wrote_no_word_of_it(store: Store) -> None:
    kept = store.change(store.pair("l", "r"), {"decision": "kept"}, "ann")
    assert (kept.author, kept.authored_at, kept.writers, kept.changed_by) == ("", "", "", "ann")
    pair = store.change(kept, {"question": "one"}, "bob")
    assert pair.author == "bob"
    assert not pair.wrote("ann")


def test_every_change_is_on_the_disk_before_it_is_acknowledged(store: Store) -> None:
    again = Store(store.path)  # of a file that is there already
    for opened in (store, again):
        asked = (opened._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode"))
        assert tuple(asked) == (2, "wal")  # 2 is FULL
    again.close()


def test_what_was_written_is_there_when_the_store_is_opened_again(store: Store) -> None:
    written = store.change(store.pair("l", "r"), {"question": "x"}, "ann")
    given = Answer("l", "r", "left", "bob", "a", "0", "now")
    store.answer(given)
    store.close()
    again = Store(store.path)
    assert (again.pairs(), again.answers()) == ([written], [given])
    assert words(again.undo("ann") or written) == Authored("l", "r", changed_by="ann", version=2)
    again.close()


def test_adopted_pairs_keep_their_author_and_time_and_are_all_there_or_none(store: Store) -> None:
    mine = store.change(store.pair("l1", "r"), {"question": "mine"}, "ann")
    theirs = [Authored(f"l{n}", "r", question="x", author="eve", authored_at="2024", writers="dan") for n in range(3)]
    theirs[1] = replace(theirs[1], version=mine.version)
    store.adopt(theirs, "imported")
    there = [replace(one, changed_at="") for one in store.pairs()]
    known = {"writers": "dan\neve", "changed_by": "imported"}
    assert there == [replace(one, **known, version=2 if one.left_id == "l1" else 1) for one in theirs]
    broken: Any = replace(theirs[1], question=object(), version=2)
    with pytest.raises(StoreFailed):
        store.adopt([replace(theirs[0], question="new", version=1), broken], "ann")
    assert store.pair("l0", "r").question == "x"
    assert store.change(store.pair("l0", "r"), {"question": "goes on"}, "ann").version == 2


def test_adopted_pairs_whose_author_nobody_names_are_of_who_adopts_them(store: Store) -> None:
    store.adopt([Authored("l", "r", question="x")], "bob")
    assert (store.pair("l", "r").author, store.pair("l", "r").writers) == ("", "bob")


@pytest.mark.parametrize("version", [0, 1, 3])
def test_where_one_of_many_was_changed_since_it_was_read_none_is_adopted(store: Store, version: int) -> None:
    store.change(store.pair("l1", "r"), {"question": "one"}, "ann")
    now = store.change(store.pair("l1", "r"), {"question": "two"}, "bob")
    before = store.pairs(), store._db.execute("SELECT count(*) FROM history").fetchone()[0]
    theirs = [Authored(f"l{n}", "r", question="x", author="eve", version=version * (n == 1)) for n in range(3)]
    with pytest.raises(Conflict, match="changed by bob at") as conflict:
        store.adopt(theirs, "imported")
    assert conflict.value.now == now
    assert (store.pairs(), store._db.execute("SELECT count(*) FROM history").fetchone()[0]) == before


# two writers


def test_whoever_comes_second_is_told_what_the_pair_is_and_nothing_is_written(store: Store) -> None:
    read = store.pair("l", "r")
    first = store.change(read, {"question": "mine"}, "ann")
    with pytest.raises(Conflict, match="changed by ann at") as conflict:
        store.change(read, {"question": "no, mine", "option_a": "x"}, "bob")
    assert conflict.value.now == first
    assert store.pair("l", "r") == first


def test_two_tabs_on_different_pairs_do_not_meet(store: Store) -> None:
    other = Store(store.path)
    one, two = store.pair("l1", "r"), other.pair("l2", "r")
    store.change(one, {"question": "x"}, "ann")
    other.change(two, {"question": "y"}, "ann")
    assert [pair.question for pair in store.pairs()] == ["x", "y"] == [pair.question for pair in other.pairs()]
    other.close()


def test_another_store_is_heard_and_oneself_is_not(store: Store) -> None:
    other, before = Store(store.path), store.changed_elsewhere
    store.change(store.pair("l", "r"), {"question": "x"}, "ann")
    assert store.changed_elsewhere == before
    other.answer(Answer("l", "r", "left", "bob", "a", "0", "now"))
    assert store.changed_elsewhere != before
    other.close()


def test_opening_a_store_that_is_there_changes_nothing(store: Store) -> None:
    before = store.changed_elsewhere
    Store(store.path).close()
    assert store.changed_elsewhere == before


def test_threads_of_one_store_lose_nothing(store: Store) -> None:
    def write(number: int) -> None:
        for turn in range(20):
            pair = store.pair(f"l{number}", "r")
            store.change(pair, {"question": str(turn)}, f"p{number}")
            store.answer(Answer(f"l{number}", "r", "left", str(turn), "a", "0", "now"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(pair.version, pair.question) for pair in store.pairs()] == [(20, "19")] * 6
    assert len(store.answers()) == 120


def script(body: str, *words: str, **pipes: Any) -> subprocess.Popen[str]:
    head = "import sys\nfrom pathlib import Path\nfrom stages.author.store import Conflict, Store\n"
    world = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", head + body, *words], env=world, text=True, **pipes)


COUNTING = """
path, me, turns = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store, done, conflicts = Store(path), 0, 0
while done < turns:
    pair = store.pair("l", "r")
    try:
        store.change(pair, {"question": str(int(pair.question or 0) + 1)}, me)
        done += 1
    except Conflict:
        conflicts += 1
print(conflicts)
"""


def test_two_processes_that_count_up_at_once_miss_no_number(store: Store) -> None:
    processes = [script(COUNTING, str(store.path), name, "60", stdout=subprocess.PIPE) for name in ("ann", "bob")]
    ended = [process.communicate(timeout=PATIENCE_S) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
    now = store.pair("l", "r")
    assert (now.question, now.version) == ("120", 120)


WRITING = """
store = Store(Path(sys.argv[1]))
for number in range(100_000):
    pair = store.change(store.pair("l", "r"), {"question": f"word {number}"}, "ann")
    print(pair.version, pair.question, flush=True)
"""


def test_a_killed_process_loses_nothing_that_was_acknowledged(store: Store) -> None:
    for _ in range(3):
        process = script(WRITING, str(store.path), stdout=subprocess.PIPE)
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(15)]
        process.send_signal(signal.SIGKILL)
        told += [line for line in process.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
        version, question = told[-1].strip().split(" ", 1)
        now = store.pair("l", "r")
        assert now.version in (int(version), int(version) + 1)  # the last one may not have been told
        assert now.version > int(version) or now.question == question
        assert store._db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert store._db.execute("SELECT count(*) FROM history").fetchone()[0] == now.version


# undo


def test_undo_takes_back_ones_own_changes_last_first_to_the_beginning(store: Store) -> None:
    first = store.change(store.pair("l", "r"), {"question": "one"}, "ann")
    store.change(first, {"question": "two"}, "ann")
    other = store.change(store.pair("m", "r"), {"decision": "rejected"}, "ann")
    assert other.version == 1
    back = [store.undo("ann") for _ in range(4)]
    assert [one and (one.left_id, one.question, one.decision, one.version) for one in back] == [
        ("m", "", "open", 2),
        ("l", "one", "open", 3),
        ("l", "", "open", 4),
        None,
    ]


def test_what_was_taken_back_has_its_author_and_time_again(store: Store) -> None:
    first = store.change(store.pair("l", "r"), {"question": "one"}, "ann")
    store.change(first, {"question": "two"}, "bob")
    back = store.undo("bob")
    assert back == replace(first, version=3, changed_by="bob", changed_at=back and back.changed_at)


def test_nobody_takes_back_what_another_has_changed_since(store: Store) -> None:
    first = store.change(store.pair("l", "r"), {"question": "one"}, "ann")
    second = store.change(first, {"question": "two"}, "bob")
    with pytest.raises(Conflict) as conflict:
        store.undo("ann")
    assert conflict.value.now == second
    assert store.pair("l", "r") == second
    store.undo("bob")
    assert store.undo("ann") is None  # she was told that this one stays


def test_who_changed_nothing_takes_nothing_back(store: Store) -> None:
    store.change(store.pair("l", "r"), {"question": "one"}, "ann")
    assert store.undo("bob") is None


def test_a_change_that_cannot_be_taken_back_does_not_bar_the_one_before(store: Store) -> None:
    store.change(store.pair("l", "r"), {"question": "one"}, "ann")
    second = store.change(store.pair("m", "r"), {"question": "two"}, "ann")
    store.change(second, {"question": "bob's"}, "bob")
    with pytest.raises(Conflict):
        store.undo("ann")
    back = store.undo("ann")
    assert back is not None
    assert back.left_id == "l"


TYPED = ("I", "Is it", "Is it open?")


def typed(store: Store, by: str = "ann", joins_s: float = PATIENCE_S, name: str = "question") -> None:
    for text in TYPED:
        store.change(store.pair("l", "r"), {name: text}, by, joins_s=joins_s)


def test_a_text_that_was_saved_while_it_was_typed_is_taken_back_at_once(store: Store) -> None:
    store.change(store.pair("l", "r"), {"question": "before"}, "ann")
    store.change(store.pair("l", "r"), {"decision": "kept"}, "ann")
    typed(store)
    assert [(back := store.undo("ann")) and (back.question, back.decision) for _ in range(4)] == [
        ("before", "kept"),
        ("before", "open"),
        ("", "open"),
        None,
    ]


@pytest.mark.parametrize("between", ["another text", "another person", "a pause", "an undo"])
def test_what_comes_between_parts_the_pieces(store: Store, between: str) -> None:
    typed(store)
    if between == "another text":
        typed(store, name="option_a")
    elif between == "another person":
        typed(store, by="bob")
    elif between == "a pause":
        store._db.execute("UPDATE pairs SET changed_at = '2020-01-01T00:00:00+00:00'")
        typed(store)
    else:
        store.change(store.pair("l", "r"), {"decision": "kept"}, "ann")
        store.undo("ann")
        typed(store)
    back = store.undo("bob" if between == "another person" else "ann")
    assert back is not None
    assert (back.question, back.option_a) == (TYPED[-1], "")
    back = store.undo("ann")
    assert back is not None
    assert back.question == ""


@dataclass
class Plain:
    """What a pair is, and its changes that stand: who made each, when, and what was there before."""

    now: Authored
    changes: list[tuple[int, str, Authored]] = field(default_factory=list)


class Model(RuleBasedStateMachine):
    """The store beside plain lists: any changes, conflicts, undos, answers, forgettings; opened again at any time."""

    people = st.sampled_from(["ann", "bob"])
    lefts = st.sampled_from(["l1", "l2"])

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store, self.clock = Store(self.folder / NAME), 0
        self.pairs: dict[str, Plain] = {}
        self.answers: dict[tuple[str, str], str] = {}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def _plain(self, left: str) -> Plain:
        return self.pairs.get(left) or Plain(Authored(left, "r"))

    def _changed(self, left: str, by: str, **values: Any) -> Authored:
        plain, self.clock = self.pairs.setdefault(left, self._plain(left)), self.clock + 1
        plain.changes.append((self.clock, by, plain.now))
        plain.now = replace(plain.now, **{"version": plain.now.version + 1, "changed_by": by, **values})
        return plain.now

    def _writers(self, left: str, person: str) -> str:
        known = [name for name in self._plain(left).now.writers.split("\n") if name]
        return "\n".join(known if person in known else [*known, person])

    @rule(left=lefts, by=people, text=st.sampled_from(["x", "y", ""]), decision=st.sampled_from(["kept", "open"]))
    def change(self, left: str, by: str, text: str, decision: str) -> None:
        writers, read = self._writers(left, by), self.store.pair(left, "r")
        if (read.question, read.decision) == (text, decision):
            expected = self._plain(left).now  # what is already there is no change
        else:
            expected = self._changed(left, by, question=text, decision=decision, author=by, draft="", writers=writers)
        assert words(self.store.change(read, {"question": text, "decision": decision}, by)) == expected

    @rule(left=lefts, by=people, behind=st.integers(1, 2))
    def change_what_was_read_before(self, left: str, by: str, behind: int) -> None:
        now = self._plain(left).now
        with pytest.raises(Conflict) as conflict:
            self.store.change(replace(now, version=now.version - behind), {"question": "late"}, by)
        assert words(conflict.value.now) == now

    @rule(left=lefts, by=people, decision=st.sampled_from(["kept", "rejected"]))
    def decide(self, left: str, by: str, decision: str) -> None:
        is_same = self._plain(left).now.decision == decision
        expected = self._plain(left).now if is_same else self._changed(left, by, decision=decision)
        assert words(self.store.change(self.store.pair(left, "r"), {"decision": decision}, by)) == expected

    @rule(lefts=st.lists(lefts, unique=True, min_size=1), by=people)
    def adopt(self, lefts: list[str], by: str) -> None:
        theirs = [
            Authored(left, "r", question="theirs", author="eve", version=self._plain(left).now.version)
            for left in lefts
        ]
        self.store.adopt(theirs, by)
        for one in theirs:
            fresh = replace(one, version=one.version + 1, writers="eve", changed_by=by)
            self._changed(one.left_id, by, **fresh.to_json())

    @rule(lefts=st.permutations(["l1", "l2"]), by=people, behind=st.sampled_from([-1, 1]))
    def adopt_what_was_read_before(self, lefts: list[str], by: str, behind: int) -> None:
        versions = [self._plain(left).now.version for left in lefts]
        versions[1] -= behind
        late = [Authored(left, "r", version=version) for left, version in zip(lefts, versions, strict=True)]
        with pytest.raises(Conflict) as conflict:
            self.store.adopt(late, by)
        assert words(conflict.value.now) == self._plain(lefts[1]).now

    @rule(by=people)
    def undo(self, by: str) -> None:
        mine = [(when, left) for left, plain in self.pairs.items() for when, who, _ in plain.changes if who == by]
        if not mine:
            assert self.store.undo(by) is None
            return
        when, left = max(mine)
        plain = self.pairs[left]
        if plain.changes[-1][0] != when:
            plain.changes = [(at, "" if at == when else who, then) for at, who, then in plain.changes]
            with pytest.raises(Conflict) as conflict:
                self.store.undo(by)
            assert words(conflict.value.now) == plain.now
            return
        _, _, before = plain.changes.pop()
        plain.now = replace(before, version=plain.now.version + 1, changed_by=by)
        assert words(self.store.undo(by) or before) == plain.now

    @rule(left=lefts, person=people, chosen=st.sampled_from("ab"))
    def answer(self, left: str, person: str, chosen: str) -> None:
        self.store.answer(Answer(left, "r", "left", person, chosen, "0", "now"))
        self.answers[left, person] = chosen

    @precondition(lambda self: self.clock % 4 == 3)
    @rule(left=lefts)
    def forget(self, left: str) -> None:
        assert self.store.forget([left]) == (left in self.pairs)
        self.pairs.pop(left, None)
        self.answers = {key: chosen for key, chosen in self.answers.items() if key[0] != left}

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = Store(self.folder / NAME)

    @invariant()
    def all_is_as_the_lists_say(self) -> None:
        assert [words(pair) for pair in self.store.pairs()] == [self.pairs[left].now for left in sorted(self.pairs)]
        assert {(one.left_id, one.person): one.chosen for one in self.store.answers()} == self.answers


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


# files that are none of ours


def foreign(path: Path, *statements: str) -> Path:
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()
    return path


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(store: Store) -> None:
    store.change(store.pair("l", "r"), {"question": "x"}, "ann")
    store._db.execute(f"PRAGMA user_version = {tables.VERSION + 1}")
    store.close()
    before = store.path.read_bytes()
    with pytest.raises(Refused, match=r"newer blindpairs \(store version 2, this one knows 1\).* --store"):
        Store(store.path)
    assert store.path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    for statements in (("CREATE TABLE pairs (x)",), ("CREATE TABLE a (x)", "PRAGMA application_id = 7")):
        path = foreign(tmp_path / f"{len(statements)}.sqlite", *statements)
        before = path.read_bytes()
        with pytest.raises(Refused, match="another program's database; name another store with --store"):
            Store(path)
        assert path.read_bytes() == before


def test_another_programs_database_is_not_taken_for_a_newer_store(tmp_path: Path) -> None:
    path = foreign(tmp_path / "x.sqlite", "CREATE TABLE a (x)", "PRAGMA user_version = 30")
    with pytest.raises(Refused, match="another program's database"):
        Store(path)


@pytest.mark.parametrize("data", [b"no database at all, but long enough to look like one" * 40, b"short"])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, data: bytes) -> None:
    (path := tmp_path / NAME).write_bytes(data)
    with pytest.raises(Refused, match=f"{NAME} cannot be used as the authors' store .*--store"):
        Store(path)
    assert path.read_bytes() == data


def test_a_store_that_was_cut_is_refused(store: Store) -> None:
    store.close()
    store.path.write_bytes(store.path.read_bytes()[: store.path.stat().st_size // 2])
    with pytest.raises(Refused, match="malformed"):
        Store(store.path)


def test_a_folder_and_a_folder_that_is_not_there_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / NAME):
        with pytest.raises(Refused, match="cannot be used as the authors' store"):
            Store(path)


def author_many(store: Store, count: int) -> None:
    for number in range(count):
        store.change(store.pair(f"l{number:04d}", "r"), {"question": "x" * 400}, "ann")


def damaged(store: Store) -> Path:
    """The store with every page but the first overwritten."""
    author_many(store, 100)
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    data = store.path.read_bytes()
    store.path.write_bytes(data[:4096] + b"\xaa" * (len(data) - 4096))
    return store.path


def test_a_store_with_damaged_pages_is_refused_when_it_is_read(store: Store) -> None:
    with pytest.raises(Refused):
        Store(damaged(store)).pairs()


def test_a_store_that_another_program_holds_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "WAIT_S", 0.05)
    store, holder = Store(tmp_path / NAME), sqlite3.connect(tmp_path / NAME, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Refused):
            store.change(store.pair("l", "r"), {"question": "x"}, "ann")
    finally:
        holder.close()
        store.close()


def full(store: Store) -> StoreFailed:
    """What writing raises when the disk is full; afterwards there is room again."""
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreFailed) as raised:
        author_many(store, 1000)
    store._db.execute("PRAGMA max_page_count = 100000")
    return raised.value


def test_a_full_disk_loses_only_the_change_that_did_not_fit(store: Store) -> None:
    full(store)
    there = store.pairs()
    assert there
    assert all(pair.version == 1 for pair in there)
    assert store._db.execute("SELECT count(*) FROM history").fetchone()[0] == len(there)
    assert store.change(store.pair("m", "r"), {"question": "goes on"}, "ann").version == 1


def test_a_full_disk_is_called_full(store: Store) -> None:
    assert "full" in str(full(store))


class MadeMeanwhile:
    """A connection to a new file, in which another process makes the store before this look at its tables."""

    def __init__(self, path: Path) -> None:
        self.path, self.db = path, sqlite3.connect(path, isolation_level=None)

    def execute(self, query: str) -> Any:
        if query == opening.FRESH:
            Store(self.path).close()
        return self.db.execute(query)


def test_a_store_that_is_made_between_two_looks_is_known_for_ours(tmp_path: Path) -> None:
    looking: Any = MadeMeanwhile(tmp_path / NAME)
    assert opening._is_ours(looking, tmp_path / NAME)
    looking.db.close()


def test_two_processes_that_make_one_store_at_once_both_open_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, really = [], opening._is_ours

    def late(db: sqlite3.Connection, path: Path) -> bool:
        found = really(db, path)
        looked.append(found)
        if len(looked) == 1:
            Store(path).close()
        return found

    monkeypatch.setattr(opening, "_is_ours", late)
    Store(tmp_path / NAME).close()
    assert looked[0] is False
    assert looked[-1] is True


# forgetting


def traces(folder: Path, *words: str) -> list[tuple[str, str]]:
    """Which files hold which of these words, anywhere in their bytes."""
    return [
        (path.name, word) for path in sorted(folder.iterdir()) for word in words if word.encode() in path.read_bytes()
    ]


def test_forgetting_an_image_takes_out_every_pair_with_it_and_says_how_many(store: Store) -> None:
    for left, right in (("a", "b"), ("b", "c"), ("c", "d")):
        store.change(store.pair(left, right), {"question": "x"}, "ann")
        store.answer(Answer(left, right, "left", "bob", "a", "0", "now"))
    assert store.forget(["b", "z"]) == 2
    assert [(pair.left_id, pair.right_id) for pair in store.pairs()] == [("c", "d")]
    assert [(one.left_id, one.right_id) for one in store.answers()] == [("c", "d")]
    assert store.forget(["b"]) == 0
    assert store.pair("a", "b").version == 0


def test_a_pair_of_which_both_images_are_forgotten_is_one(store: Store) -> None:
    store.change(store.pair("a", "b"), {"question": "x"}, "ann")
    assert store.forget(["a", "b"]) == 1


def test_no_byte_of_any_file_tells_what_was_forgotten(store: Store) -> None:
    gone, words = ("id-of-the-forgotten-1", "id-of-the-forgotten-2"), ("secret question", "earlier secret", "remains")
    other = Store(store.path)  # a page that is open meanwhile
    for left, right, question in ((gone[0], "m", words[1]), ("a", gone[1], words[1]), ("k", "m", words[2])):
        first = store.change(store.pair(left, right), {"question": question}, "ann")
        if question != words[2]:
            store.change(first, {"question": words[0], "left_statement": "x" * 450}, "ann")
            store.undo("ann")
        store.answer(Answer(left, right, "left", "bob", "a", "0", "now"))
    assert len(traces(store.path.parent, *gone, *words)) >= 5
    store.forget(gone)
    assert {word for _, word in traces(store.path.parent, *gone, *words)} == {"remains"}
    assert other.pair(gone[0], "m").version == 0
    other.close()


def test_forgetting_while_somebody_reads_leaves_nothing_or_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "WAIT_S", 0.05)
    store = Store(tmp_path / NAME)
    store.change(store.pair("id-of-the-forgotten", "r"), {"question": "x"}, "ann")
    reader = sqlite3.connect(store.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM pairs").fetchall()
    try:
        store.forget(["id-of-the-forgotten"])
    except (Refused, sqlite3.Error):
        return
    finally:
        left = traces(tmp_path, "id-of-the-forgotten")
        reader.close()
        store.close()
    assert left == []


def test_a_forgotten_pair_can_be_written_anew_and_others_undone(store: Store) -> None:
    store.change(store.pair("k", "m"), {"question": "stays"}, "ann")
    store.change(store.pair("a", "b"), {"question": "goes"}, "ann")
    store.forget(["a"])
    back = store.undo("ann")
    assert back is not None
    assert (back.left_id, back.question) == ("k", "")
    assert store.change(store.pair("a", "b"), {"question": "new"}, "ann").version == 1


def test_the_history_holds_what_was_there_before_each_change(store: Store) -> None:
    first = store.change(store.pair("l", "r"), {"question": "one"}, "ann")
    store.change(first, {"question": "two"}, "bob")
    rows = store._db.execute("SELECT before, by FROM history ORDER BY change").fetchall()
    assert [Authored(**json.loads(row["before"])) for row in rows] == [Authored("l", "r"), first]
    assert [row["by"] for row in rows] == ["ann", "bob"]


def test_spaces_typed_into_empty_fields_touch_no_pair(store: Store) -> None:
    pair = store.change(store.pair("l", "r"), {"question": "  ", "option_a": "\t"}, "ann")
    assert (pair.version, store.pairs(), store.undo("ann")) == (0, [], None)


def test_the_same_words_again_accept_a_draft_and_change_nothing_else(store: Store) -> None:
    store.change(store.pair("l", "r"), {"question": "Open?"}, "bob", draft="some-model")
    taken = store.change(store.pair("l", "r"), {"question": "Open?"}, "ann")
    assert (taken.draft, taken.author, taken.version) == ("", "ann", 2)
    assert store.change(store.pair("l", "r"), {"question": "Open? "}, "bob") == taken


def test_the_thresholds_of_a_choice_are_kept_until_the_next_and_forgotten_with_the_images(store: Store) -> None:
    assert store.chosen() == {}  # as in a store of before
    for ids, thresholds in ((("l", "r"), "x"), (("l", "r"), "y"), (("l2", "r"), "z")):
        store.choose(ids, thresholds)
    assert store.chosen() == {("l", "r"): "y", ("l2", "r"): "z"}
    store.forget(["l"])
    assert store.chosen() == {("l2", "r"): "z"}
