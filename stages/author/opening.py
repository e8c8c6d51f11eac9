"""Opening: the SQLite file of a store, made where there is none, and its errors as sentences."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from manifests.errors import Refused
from manifests.parsing import parse_json
from stages.author import tables
from stages.author.authored import Authored

FRESH = "SELECT count(*) FROM sqlite_master"


class StoreFailed(Refused):
    """The file cannot be read or written now, or is none of this program's."""


def connected(path: Path, wait_s: float) -> sqlite3.Connection:
    """A connection to the store, with its tables; it may be used by any thread, one at a time.

    `wait_s`: how long another process that writes is waited for. Raises Refused for a file that is another
    program's, or of a newer version, StoreFailed where it cannot be opened.
    """
    with sqlite_errors(path):
        db = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        try:
            _prepare(db, path)
        except BaseException:
            db.close()
            raise
        return db


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into StoreFailed."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreFailed(
            f"{path} cannot be used as the authors' store ({error}); it must be a file of this program's, on a local "
            "disk with room: mend that, or name another with --store"
        ) from error


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # SQLite rolls back by itself where a disk is full
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def restored(text: str, path: Path) -> Authored:
    """A pair as the history of a store has it. Raises StoreFailed where that does not read."""
    with sqlite_errors(path):
        try:
            return Authored(**parse_json(text))
        except (ValueError, TypeError) as error:
            raise sqlite3.DataError(f"its history does not read: {error}") from error


def secret(db: sqlite3.Connection) -> bytes:
    """The store's own secret. Call it in a transaction."""
    db.execute(tables.CREATE_KEYS)  # stores that were made before have no such table
    db.execute(tables.PUT_KEY, (secrets.token_bytes(32),))
    return bytes(db.execute(tables.KEY).fetchone()[0])


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file, once. One that is there is only looked at: others would hear of a change."""
    if not _is_ours(db, path):
        db.execute("PRAGMA journal_mode = WAL")
        with transaction(db):
            if not _is_ours(db, path):  # another process may have made them since
                for statement in tables.CREATE:
                    db.execute(statement)
    db.execute("PRAGMA synchronous = FULL")


def _is_ours(db: sqlite3.Connection, path: Path) -> bool:
    """False for a file that is new. Raises Refused for one that is another's, or of a newer version."""
    application, version = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
    )
    if application == tables.APPLICATION and version > tables.VERSION:
        raise Refused(
            f"{path} was written by a newer blindpairs (store version {version}, this one knows {tables.VERSION}): use "
            "that version, or name another store with --store"
        )
    if application == tables.APPLICATION:
        return True
    if application or version or db.execute(FRESH).fetchone()[0]:
        if int(db.execute("PRAGMA application_id").fetchone()[0]) == tables.APPLICATION:  # made between two looks
            return True
        raise Refused(f"{path} is another program's database; name another store with --store")
    return False
