"""What is done, by content: stage key → output files with their hashes, in one SQLite file beside the outputs."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from plaquecast import __version__
from plaquecast.errors import InputError
from plaquecast.store.atomic import sha256_of_bytes, sha256_of_file
from plaquecast.store.journal_file import (
    explained,
    open_journal_file,
    refuse_other_run,
    run_of,
    take_up,
    transaction,
)
from plaquecast.store.manifest import StageCost
from plaquecast.store.run_folder import (
    JOURNAL_NAME,
    LOCK_NAME,
    PARTS,
    check_folder_is_ours,
    locked,
    make_folder,
)

END = "end"
"""Under this name stands what a run told last."""


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

    A `part` of a run has a journal of its own, which nobody else writes, and knows what the whole one knows: that of
    a shard, which is driven beside other shards, and that of a host whose workers do not share a disk cache with the
    driver. A whole run takes up the journals of all parts.

    Args:
        folder: the run's output folder; the journal is `journal.sqlite` in it.
        identity: what makes this run the same run on a rerun (command, dataset, …), as plain texts; None in a worker.
        part: name of the part, safe in a path; empty for the whole.

    Raises:
        InputError: if the folder holds another run or foreign files, or another process drives a run in it.
        MachineError: if the journal cannot be used.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str] | None = None, part: str = "") -> None:
        self._folder = folder
        own = folder / PARTS / part if part else folder
        self._held = ExitStack()
        with self._held:
            if identity is not None:
                check_folder_is_ours(folder)
                make_folder(folder)
                self._held.enter_context(locked(folder / LOCK_NAME, shared=bool(part)))
            if part:
                make_folder(own)
            if part and identity is not None:
                self._held.enter_context(locked(own / LOCK_NAME))
            self._database = open_journal_file(own / JOURNAL_NAME, folder / JOURNAL_NAME if part else None)
            self._held.callback(self._database.close)
            if identity is not None:
                self._adopt(identity, bool(part) and (folder / JOURNAL_NAME).is_file())
                if not part:
                    self.take_up_parts()
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
        if not self._rows("SELECT 1 FROM known_stage WHERE key = ?", key):
            return False
        return all(_is_unchanged(self._folder / path, sha256) for path, sha256 in self._outputs(key).items())

    def outputs(self, key: str) -> dict[Path, str]:
        """Output files of a recorded stage → their SHA-256; inputs of the next stage."""
        return {self._folder / path: sha256 for path, sha256 in self._outputs(key).items()}

    def begin(self, key: str, stage: str, case: str) -> None:
        """Withdraw what the same stage of the same case put out for other inputs or settings, before it works anew.

        So a stage that fails leaves nothing behind that could pass as its result.
        """
        older = self._rows("SELECT key FROM stage WHERE stage = ? AND case_name = ? AND key <> ?", stage, case, key)
        self._withdraw([row[0] for row in older])

    def record(self, key: str, cost: StageCost, outputs: Iterable[Path]) -> None:
        """Record a stage as done, with what it cost and its finished outputs, in one transaction.

        Raises:
            InputError: if an output does not exist or lies outside the run folder, or the disk is full.
        """
        hashes = {self._inside(path): sha256_of_file(path) for path in outputs}
        with transaction(self._database, self._folder):
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
        self._withdraw([key for (key,) in self._rows("SELECT key FROM stage") if key not in used])

    def costs(self) -> tuple[StageCost, ...]:
        """What every recorded stage cost, ordered by case and stage."""
        rows = self._rows("SELECT stage, case_name, seconds, peak_memory_mib FROM stage ORDER BY case_name, stage")
        return tuple(StageCost(*row) for row in rows)

    def tell(self, name: str, facts: Mapping[str, object]) -> None:
        """Keep the newest of what the run has to tell under this name, for whoever watches it."""
        with transaction(self._database, self._folder):
            self._database.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (name, json.dumps(facts)))

    def tell_end(self, facts: Mapping[str, object]) -> None:
        """Keep how the run ended, and nothing else of what it told on the way."""
        with transaction(self._database, self._folder):
            self._database.execute("DELETE FROM told")
            self._database.execute("INSERT INTO told VALUES (?, ?)", (END, json.dumps(facts)))

    def take_up_parts(self) -> None:
        """Record here what shards and other hosts have recorded, and let go of their journals."""
        parts = self._folder / PARTS
        for path in sorted(parts.glob(f"*/{JOURNAL_NAME}")):
            take_up(self._database, self._folder, path)
        shutil.rmtree(parts, ignore_errors=True)

    def _adopt(self, identity: Mapping[str, str], has_whole: bool) -> None:
        with explained(self._folder):
            known = run_of(self._database) or (run_of(self._database, "whole") if has_whole else {})
        refuse_other_run(self._folder, identity, known or identity)
        with transaction(self._database, self._folder):
            self._database.executemany("INSERT OR REPLACE INTO run (name, value) VALUES (?, ?)", list(identity.items()))
            self._database.execute("DELETE FROM told")

    def _outputs(self, key: str) -> dict[str, str]:
        return dict(self._rows("SELECT path, sha256 FROM known_output WHERE key = ? ORDER BY path", key))

    def _rows(self, query: str, *values: str) -> list[Any]:
        with explained(self._folder):
            return self._database.execute(query, values).fetchall()

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
        rows = self._rows("SELECT path, key FROM output")
        kept = {path for path, key in rows if key not in keys}
        for path, sha256 in [pair for key in keys for pair in self._outputs(key).items()]:
            if path not in kept and _is_unchanged(self._folder / path, sha256):
                (self._folder / path).unlink()
        with transaction(self._database, self._folder):
            self._database.executemany("DELETE FROM stage WHERE key = ?", [(key,) for key in keys])


def _is_unchanged(path: Path, sha256: Any) -> bool:
    return path.is_file() and sha256_of_file(path) == sha256
