"""What is done, by content: stage key → output files with their hashes, in one SQLite file beside the outputs."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from plaquecast import __version__
from plaquecast.errors import InputError
from plaquecast.store.atomic import sha256_of_bytes, sha256_of_file
from plaquecast.store.manifest import StageCost
from plaquecast.store.run_folder import JOURNAL_NAME, check_folder_is_ours, locked_folder, make_folder

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
"""


def stage_key(
    stage: str, case: str, inputs: Mapping[str, str], settings: object, code_version: str = __version__
) -> str:
    """Content hash of all that decides what a stage of a case puts out.

    Args:
        stage: name of the stage.
        case: patient, or patient and visit.
        inputs: each input's name → SHA-256 of its content.
        settings: the settings value of the stage (a dataclass or plain values).
        code_version: version of the program.

    >>> stage_key("align", "017", {"T1W": "ab"}, {"bins": 32}) == stage_key("align", "017", {"T1W": "ab"}, {"bins": 32})
    True
    >>> stage_key("align", "017", {"T1W": "ab"}, {"bins": 32}) == stage_key("align", "017", {"T1W": "ac"}, {"bins": 32})
    False
    """
    plain = asdict(settings) if is_dataclass(settings) and not isinstance(settings, type) else settings
    parts = {"stage": stage, "case": case, "inputs": dict(inputs), "settings": plain, "code": code_version}
    return sha256_of_bytes(json.dumps(parts, sort_keys=True, allow_nan=False).encode("utf-8"))


class Journal:
    """The journal of one run folder.

    The process that drives the run opens it with `Journal(folder, identity)`: this makes the folder, takes its lock
    and refuses another run's. A worker of the same run opens it with `Journal(folder)` and only records.
    Use it as a context manager.

    Args:
        folder: the run's output folder; the journal is `journal.sqlite` in it.
        identity: what makes this run the same run on a rerun (command, dataset, …), as plain texts; None in a worker.

    Raises:
        InputError: if the folder holds another run or foreign files, or another process drives a run in it.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._held = ExitStack()
        with self._held:
            if identity is not None:
                check_folder_is_ours(folder)
                make_folder(folder)
                self._held.enter_context(locked_folder(folder))
            self._database = _open_database(folder / JOURNAL_NAME)
            self._held.callback(self._database.close)
            if identity is not None:
                self._adopt(identity)
            self._held = self._held.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the journal and let go of the folder."""
        self._held.close()

    def is_done(self, key: str) -> bool:
        """Whether the stage was recorded and each of its outputs still is, byte for byte, what was recorded."""
        if self._database.execute("SELECT 1 FROM stage WHERE key = ?", (key,)).fetchone() is None:
            return False
        return all(_is_unchanged(self._folder / path, sha256) for path, sha256 in self._outputs(key).items())

    def outputs(self, key: str) -> dict[Path, str]:
        """Output files of a recorded stage → their SHA-256; inputs of the next stage."""
        return {self._folder / path: sha256 for path, sha256 in self._outputs(key).items()}

    def begin(self, key: str, stage: str, case: str) -> None:
        """Withdraw what the same stage of the same case put out for other inputs or settings, before it works anew.

        So a stage that fails leaves nothing behind that could pass as its result.
        """
        older = self._database.execute(
            "SELECT key FROM stage WHERE stage = ? AND case_name = ? AND key <> ?", (stage, case, key)
        )
        self._withdraw([row[0] for row in older.fetchall()])

    def record(self, key: str, cost: StageCost, outputs: Iterable[Path]) -> None:
        """Record a stage as done, with what it cost and its finished outputs, in one transaction.

        Raises:
            InputError: if an output does not exist or lies outside the run folder, or the disk is full.
        """
        hashes = {self._inside(path): sha256_of_file(path) for path in outputs}
        with self._transaction():
            self._database.execute("DELETE FROM stage WHERE key = ?", (key,))
            self._database.execute(
                "INSERT INTO stage (key, stage, case_name, seconds, peak_memory_mib) VALUES (?, ?, ?, ?, ?)",
                (key, cost.stage, cost.case, cost.seconds, cost.peak_memory_mib),
            )
            self._database.executemany(
                "INSERT INTO output (key, path, sha256) VALUES (?, ?, ?)",
                [(key, path, sha256) for path, sha256 in hashes.items()],
            )

    def withdraw_all_but(self, keys: Iterable[str]) -> None:
        """Withdraw every stage that the finished run did not use, so that nothing stale lies beside what is new."""
        used = set(keys)
        recorded = [row[0] for row in self._database.execute("SELECT key FROM stage").fetchall()]
        self._withdraw([key for key in recorded if key not in used])

    def costs(self) -> tuple[StageCost, ...]:
        """What every recorded stage cost, ordered by case and stage."""
        rows = self._database.execute(
            "SELECT stage, case_name, seconds, peak_memory_mib FROM stage ORDER BY case_name, stage"
        )
        return tuple(StageCost(*row) for row in rows.fetchall())

    def _adopt(self, identity: Mapping[str, str]) -> None:
        known = dict(self._database.execute("SELECT name, value FROM run").fetchall())
        if not known:
            with self._transaction():
                self._database.executemany("INSERT INTO run (name, value) VALUES (?, ?)", list(identity.items()))
            return
        differing = sorted(name for name in known.keys() | identity.keys() if known.get(name) != identity.get(name))
        if differing:
            name = differing[0]
            raise InputError(
                expected=f"a new output folder, or that of the same run ({name} {identity.get(name, 'not given')})",
                found=f"another run ({name} {known.get(name, 'not given')})",
                where=self._folder.name,
                remedy="Give another output folder with --out; nothing in this one was touched.",
                code="other-run",
            )

    def _outputs(self, key: str) -> dict[str, str]:
        rows = self._database.execute("SELECT path, sha256 FROM output WHERE key = ? ORDER BY path", (key,))
        return dict(rows.fetchall())

    def _inside(self, path: Path) -> str:
        try:
            relative = path.resolve().relative_to(self._folder.resolve())
        except ValueError:
            relative = None
        if relative is None or not path.is_file():
            raise InputError(
                expected="a finished file inside the run folder",
                found=path.name if relative is None else f"no file {path.name}",
                where=f"journal of {self._folder.name}",
                remedy="Report this to the developers.",
                code="journal-output",
            )
        return relative.as_posix()

    def _withdraw(self, keys: Sequence[str]) -> None:
        """Remove files that only these stages put out and that are still ours byte for byte; then the rows.

        Files first: a process killed in between leaves rows whose files are gone, which no longer count as done.
        """
        rows = self._database.execute("SELECT path, key FROM output").fetchall()
        kept = {path for path, key in rows if key not in keys}
        for path, sha256 in [pair for key in keys for pair in self._outputs(key).items()]:
            if path not in kept and _is_unchanged(self._folder / path, sha256):
                (self._folder / path).unlink()
        with self._transaction():
            self._database.executemany("DELETE FROM stage WHERE key = ?", [(key,) for key in keys])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except BaseException as problem:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            if isinstance(problem, sqlite3.Error):
                raise _unusable(self._folder, problem) from problem
            raise


def _open_database(path: Path) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        database.executescript(_TABLES)
    except sqlite3.Error as problem:
        raise _unusable(path.parent, problem) from problem
    return database


def _unusable(folder: Path, problem: sqlite3.Error) -> InputError:
    return InputError(
        expected="a journal that can be read and written",
        found=str(problem),
        where=f"{folder.name}/{JOURNAL_NAME}",
        remedy="Free some space, or give another output folder on a local disk, and start the same command again.",
        code="journal-unusable",
    )


def _is_unchanged(path: Path, sha256: Any) -> bool:
    return path.is_file() and sha256_of_file(path) == sha256
