"""Opening: open or create the SQLite file of a store, and turn its errors into sentences."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from manifests.errors import Refused
from manifests.parsing import parse_json
from stages.author import tables
from stages.author.authored import Authored

FRESH = "SELECT count(*) FROM sqlite_master"


class StoreFailed(Refused):
    """The file cannot be read or written now, or is not one of this program's."""


def connected(path: Path, wait_s: float) -> sqlite3.Connection:
    """Return a connection to the store, with its tables; it may be used by any thread, one at a time.

    `wait_s`: how long to wait for another process that writes. Raises Refused for a file that is another
    program's or of a newer version, StoreFailed if it cannot be opened.
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
    """Turn SQLite's errors into StoreFailed."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreFailed(
            f"{path} cannot be used as the authors' store ({error}); it must be a file of this program's, on a local "
            "disk with room: mend that, or name another with --store"
        ) from error


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one transaction: all of it or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # SQLite rolls back by itself if a disk is full
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def restored(text: str, path: Path) -> Authored:
    """Read a pair from its entry in a store's history. Raises StoreFailed if that cannot be read."""
    with sqlite_errors(path):
        try:
            return Authored(**parse_json(text))
        except (ValueError, TypeError) as error:
            raise sqlite3.DataError(f"its history does not read: {error}") from error


def secret(db: sqlite3.Connection) -> bytes:
    """Return the store's own secret. Call this in a transaction."""
    db.execute(tables.CREATE_KEYS)  # older stores have no such table
    db.execute(tables.PUT_KEY, (secrets.token_bytes(32),))
    return bytes(db.execute(tables.KEY).fetchone()[0])


def forget_images(db: sqlite3.Connection, path: Path, image_ids: Sequence[str]) -> int:
    """Delete and overwrite all that is about pairs with these images; return how many pairs.

    Raises StoreFailed if another process holds the old pages.
    """
    gone = 0
    db.execute("PRAGMA secure_delete = ON")
    with transaction(db):
        has_chosen = db.execute(tables.HAS_CHOSEN).fetchone()
        for query in (*((tables.FORGET_CHOSEN,) if has_chosen else ()), *tables.FORGET):
            gone = sum(db.execute(query, {"id": image_id}).rowcount for image_id in image_ids)
    db.execute("VACUUM")
    if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise StoreFailed(f"{path} is being read by another process: end it, and forget once more")
    return gone


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Create the tables of a new file, once. An existing file is only read: others would notice a change."""
    if not _is_ours(db, path):
        db.execute("PRAGMA journal_mode = WAL")
        with transaction(db):
            if not _is_ours(db, path):  # another process may have created them since
                for statement in tables.CREATE:
                    db.execute(statement)
    db.execute("PRAGMA synchronous = FULL")


def _is_ours(db: sqlite3.Connection, path: Path) -> bool:
    """Return False for a new file. Raises Refused for a file of another program or of a newer version."""
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
        if int(db.execute("PRAGMA application_id").fetchone()[0]) == tables.APPLICATION:  # made between the checks
            return True
        raise Refused(f"{path} is another program's database; name another store with --store")
    return False
