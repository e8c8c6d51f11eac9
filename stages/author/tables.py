"""Tables: those of the store, and the queries on them. A change of meaning raises VERSION and upgrades older files."""

from __future__ import annotations

APPLICATION = 0x62706172  # "bpar", in the file's header: distinguishes it from other programs' databases
VERSION = 1

CREATE = (
    """CREATE TABLE IF NOT EXISTS pairs (
        left_id TEXT NOT NULL, right_id TEXT NOT NULL, decision TEXT NOT NULL, use TEXT NOT NULL,
        pattern TEXT NOT NULL, question TEXT NOT NULL, option_a TEXT NOT NULL, option_b TEXT NOT NULL,
        left_answer TEXT NOT NULL, left_statement TEXT NOT NULL, right_statement TEXT NOT NULL,
        first TEXT NOT NULL, place INTEGER NOT NULL, draft TEXT NOT NULL,
        author TEXT NOT NULL, authored_at TEXT NOT NULL, writers TEXT NOT NULL,
        changed_by TEXT NOT NULL, changed_at TEXT NOT NULL, version INTEGER NOT NULL,
        PRIMARY KEY (left_id, right_id)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS history (
        change INTEGER PRIMARY KEY AUTOINCREMENT, left_id TEXT NOT NULL, right_id TEXT NOT NULL,
        before TEXT NOT NULL, made INTEGER NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX IF NOT EXISTS history_by ON history (by, undone, change)",
    "CREATE INDEX IF NOT EXISTS history_of ON history (left_id, right_id, change)",
    """CREATE TABLE IF NOT EXISTS answers (
        left_id TEXT NOT NULL, right_id TEXT NOT NULL, side TEXT NOT NULL, person TEXT NOT NULL,
        chosen TEXT NOT NULL, asked TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (left_id, right_id, side, person)) WITHOUT ROWID""",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)

CREATE_KEYS = "CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
PUT_KEY = "INSERT OR IGNORE INTO keys VALUES ('names', ?)"
KEY = "SELECT value FROM keys WHERE name = 'names'"
CREATE_CHOSEN = """CREATE TABLE IF NOT EXISTS chosen (
    left_id TEXT NOT NULL, right_id TEXT NOT NULL, thresholds TEXT NOT NULL, PRIMARY KEY (left_id, right_id))
    WITHOUT ROWID"""
HAS_CHOSEN = "SELECT 1 FROM sqlite_master WHERE name = 'chosen'"
PUT_CHOSEN = "INSERT OR REPLACE INTO chosen VALUES (?, ?, ?)"
CHOSEN = "SELECT * FROM chosen"
FORGET_CHOSEN = "DELETE FROM chosen WHERE left_id = :id OR right_id = :id"
PAIR = "SELECT * FROM pairs WHERE left_id = ? AND right_id = ?"
PAIRS = "SELECT * FROM pairs ORDER BY left_id, right_id"
PUT_PAIR = """INSERT OR REPLACE INTO pairs VALUES (
    :left_id, :right_id, :decision, :use, :pattern, :question, :option_a, :option_b, :left_answer,
    :left_statement, :right_statement, :first, :place, :draft, :author, :authored_at, :writers,
    :changed_by, :changed_at, :version)"""
PUT_HISTORY = "INSERT INTO history (left_id, right_id, before, made, by, at) VALUES (?, ?, ?, ?, ?, ?)"
LAST_CHANGE = "SELECT change, before, made FROM history WHERE by = ? AND undone = 0 ORDER BY change DESC LIMIT 1"
CHANGE_BEFORE = "SELECT * FROM history WHERE left_id = ? AND right_id = ? ORDER BY change DESC LIMIT 1"
JOINED = "UPDATE history SET made = ? WHERE change = ?"
UNDONE = "UPDATE history SET undone = 1 WHERE change = ?"
RENUMBERED = "UPDATE history SET made = ? WHERE left_id = ? AND right_id = ? AND made = ?"
PUT_ANSWER = "INSERT OR REPLACE INTO answers VALUES (:left_id, :right_id, :side, :person, :chosen, :asked, :at)"
ANSWERS = "SELECT * FROM answers ORDER BY person, at, left_id, right_id, side"
FORGET = (
    "DELETE FROM history WHERE left_id = :id OR right_id = :id",
    "DELETE FROM answers WHERE left_id = :id OR right_id = :id",
    "DELETE FROM pairs WHERE left_id = :id OR right_id = :id",
)
