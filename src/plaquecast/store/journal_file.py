"""The SQLite file of a journal: its tables, how it is opened, and how that of a part is taken up into the whole."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from plaquecast.errors import InputError, MachineError
from plaquecast.store.run_folder import JOURNAL_NAME

_WAIT_SECONDS = 60.0

_TABLES = """
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stage (
    key TEXT PRIMARY KEY, stage TEXT NOT NULL, case_name TEXT NOT NULL,
    seconds REAL NOT NULL, peak_memory_mib REAL NOT NULL, recorded TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS output (
    key TEXT NOT NULL REFERENCES stage (key) ON DELETE CASCADE, path TEXT NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (key, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (name TEXT PRIMARY KEY, line TEXT NOT NULL) WITHOUT ROWID;
"""

_KNOWN_ALONE = """
CREATE TEMP VIEW known_stage AS SELECT key FROM main.stage;
CREATE TEMP VIEW known_output AS SELECT key, path, sha256 FROM main.output;
"""

_KNOWN_WITH_WHOLE = """
CREATE TEMP VIEW known_stage AS SELECT key FROM main.stage UNION SELECT key FROM whole.stage;
CREATE TEMP VIEW known_output AS
    SELECT key, path, sha256 FROM main.output
    UNION SELECT key, path, sha256 FROM whole.output WHERE key NOT IN (SELECT key FROM main.stage);
"""


def open_journal_file(path: Path, whole: Path | None = None) -> sqlite3.Connection:
    """Open a journal to be written; what that of the `whole` run knows is known too, but never written.

    Raises:
        MachineError: if either file cannot be used.
    """
    with explained(path.parent):
        database = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, uri=True)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        database.executescript(_TABLES)
        if whole is not None and whole.is_file():
            database.execute("ATTACH DATABASE ? AS whole", (f"{whole.resolve().as_uri()}?mode=ro",))
            database.executescript(_KNOWN_WITH_WHOLE)
        else:
            database.executescript(_KNOWN_ALONE)
        return database


def read_journal_file(path: Path) -> sqlite3.Connection:
    """Open a journal to be looked at only, also while others write it."""
    with explained(path.parent):
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", timeout=_WAIT_SECONDS, uri=True)


@contextmanager
def transaction(database: sqlite3.Connection, folder: Path) -> Iterator[None]:
    """All of the block's changes or none.

    Raises:
        MachineError: if they cannot be written.
    """
    with explained(folder):
        try:
            database.execute("BEGIN IMMEDIATE")
            yield
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def take_up(database: sqlite3.Connection, folder: Path, part: Path) -> None:
    """Add the stages of a part's journal to those of the whole; the same twice is as good as once.

    Raises:
        InputError: if the part belongs to another run.
    """
    with closing(read_journal_file(part)) as other:
        refuse_other_run(folder, run_of(database), run_of(other) or run_of(database))
        stages = other.execute("SELECT key, stage, case_name, seconds, peak_memory_mib, recorded FROM stage").fetchall()
        outputs = other.execute("SELECT key, path, sha256 FROM output").fetchall()
    with transaction(database, folder):
        database.executemany("DELETE FROM stage WHERE key = ?", [(row[0],) for row in stages])
        database.executemany("INSERT INTO stage VALUES (?, ?, ?, ?, ?, ?)", stages)
        database.executemany("INSERT INTO output VALUES (?, ?, ?)", outputs)


def run_of(database: sqlite3.Connection, schema: str = "main") -> dict[str, str]:
    """What makes the run of a journal the same run on a rerun; empty if nothing was said yet."""
    return dict(database.execute(f"SELECT name, value FROM {schema}.run").fetchall())


def refuse_other_run(folder: Path, wanted: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Let the same run only go on in a folder.

    Raises:
        InputError: if the known one differs from the wanted.
    """
    differing = sorted(name for name in known.keys() | wanted.keys() if known.get(name) != wanted.get(name))
    if differing:
        name = differing[0]
        raise InputError(
            expected=f"a new output folder, or that of the same run ({name} {wanted.get(name, 'not given')})",
            found=f"another run ({name} {known.get(name, 'not given')})",
            where=folder.name,
            remedy="Give another output folder with --out; nothing in this one was touched.",
            code="other-run",
        )


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Put into words what SQLite cannot do.

    Raises:
        MachineError: instead of SQLite's own errors.
    """
    try:
        yield
    except sqlite3.Error as problem:
        raise MachineError(
            expected="a journal that can be read and written",
            found=str(problem),
            where=f"{folder.name}/{JOURNAL_NAME}",
            remedy="Free some space, or give another output folder on a local disk, and start the same command again.",
            code="journal-unusable",
        ) from problem
