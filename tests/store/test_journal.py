"""The journal: done means done and unchanged; another run, foreign files and a second driver are refused."""

import sqlite3
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests import forked

from plaquecast.errors import InputError
from plaquecast.settings import MeasureSettings
from plaquecast.store.atomic import write_bytes
from plaquecast.store.journal import Journal, stage_key
from plaquecast.store.manifest import StageCost
from plaquecast.store.run_folder import JOURNAL_NAME

RUN = {"command": "run", "dataset": "abc"}
SETTINGS = MeasureSettings()
KEY = stage_key("measure", "017", {"labels": "ab"}, SETTINGS)
COST = StageCost("measure", "017", 1.5, 200.0)


def refusal(folder: Path, identity: dict[str, str]) -> InputError:
    with pytest.raises(InputError) as caught:
        Journal(folder, identity)
    return caught.value


def record_one(journal: Journal, folder: Path, content: bytes = b"result", key: str = KEY) -> Path:
    path = folder / "cases" / "017.json"
    write_bytes(path, content)
    journal.record(key, COST, [path])
    return path


def test_a_recorded_stage_is_done_also_after_reopening(tmp_path: Path):
    with Journal(tmp_path / "run", RUN) as journal:
        assert not journal.is_done(KEY)
        path = record_one(journal, tmp_path / "run")
        assert journal.is_done(KEY)
    with Journal(tmp_path / "run", RUN) as journal:
        assert journal.is_done(KEY)
        assert list(journal.outputs(KEY)) == [path]
        assert journal.costs() == (COST,)


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"resulT"), lambda path: path.unlink()])
def test_an_output_that_changed_or_went_makes_the_stage_undone(tmp_path: Path, harm):
    with Journal(tmp_path / "run", RUN) as journal:
        harm(record_one(journal, tmp_path / "run"))
        assert not journal.is_done(KEY)


def test_each_input_setting_version_stage_and_case_changes_the_key():
    others = (
        stage_key("measure", "017", {"labels": "ac"}, SETTINGS),
        stage_key("measure", "017", {"labelz": "ab"}, SETTINGS),
        stage_key("measure", "017", {"labels": "ab"}, replace(SETTINGS, n_angles=71)),
        stage_key("measure", "017", {"labels": "ab"}, SETTINGS, code_version="0.0.0"),
        stage_key("change", "017", {"labels": "ab"}, SETTINGS),
        stage_key("measure", "018", {"labels": "ab"}, SETTINGS),
    )
    assert len({KEY, *others}) == 7
    assert stage_key("s", "c", {"a": "1", "b": "2"}, {}) == stage_key("s", "c", {"b": "2", "a": "1"}, {})


def test_a_stage_that_begins_anew_leaves_nothing_of_its_older_self(tmp_path: Path):
    other = stage_key("measure", "017", {"labels": "ac"}, SETTINGS)
    with Journal(tmp_path / "run", RUN) as journal:
        path = record_one(journal, tmp_path / "run")
        journal.begin(KEY, "measure", "017")
        assert path.is_file()
        journal.begin(other, "measure", "018")
        assert path.is_file()
        journal.begin(other, "measure", "017")
        assert not path.exists()
        assert not journal.is_done(KEY)


def test_a_file_edited_by_hand_is_not_removed(tmp_path: Path):
    with Journal(tmp_path / "run", RUN) as journal:
        path = record_one(journal, tmp_path / "run")
        path.write_bytes(b"notes of a reader")
        journal.withdraw_all_but([])
        assert path.read_bytes() == b"notes of a reader"


def test_what_the_finished_run_did_not_use_is_withdrawn(tmp_path: Path):
    other = stage_key("change", "017", {}, SETTINGS)
    with Journal(tmp_path / "run", RUN) as journal:
        shared = record_one(journal, tmp_path / "run")
        alone = tmp_path / "run" / "alone.json"
        write_bytes(alone, b"alone")
        journal.record(other, StageCost("change", "017"), [shared, alone])
        journal.withdraw_all_but([KEY])
        assert journal.is_done(KEY)
        assert shared.is_file()
        assert not alone.exists()


def test_another_run_is_refused_and_nothing_is_touched(tmp_path: Path):
    with Journal(tmp_path / "run", RUN) as journal:
        record_one(journal, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    error = refusal(tmp_path / "run", RUN | {"dataset": "xyz"})
    assert error.code == "other-run"
    assert "dataset abc" in error.found
    assert before == {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}


def test_foreign_files_are_refused_and_nothing_is_touched(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    error = refusal(tmp_path, RUN)
    assert error.code == "foreign-files"
    assert "thesis.txt" in error.found
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path):
    (tmp_path / "run").write_text("a file")
    assert refusal(tmp_path / "run", RUN).code == "foreign-files"


def test_an_empty_folder_is_taken(tmp_path: Path):
    with Journal(tmp_path, RUN):
        assert (tmp_path / JOURNAL_NAME).is_file()


def test_a_second_driver_is_refused_and_a_worker_is_not(tmp_path: Path):
    with Journal(tmp_path, RUN):
        assert refusal(tmp_path, RUN).code == "run-busy"
        with Journal(tmp_path) as worker:
            record_one(worker, tmp_path)
    with Journal(tmp_path, RUN) as journal:
        assert journal.is_done(KEY)


def test_the_lock_dies_with_its_process(tmp_path: Path):
    folder, ready = tmp_path / "run", tmp_path / "ready"

    def hold() -> None:
        with Journal(folder, RUN):
            ready.write_text("")
            time.sleep(60)

    child = forked.start(hold)
    while not ready.exists():
        time.sleep(0.01)
    assert refusal(folder, RUN).code == "run-busy"
    forked.kill(child)
    with Journal(folder, RUN) as journal:
        assert not journal.is_done(KEY)


def work_on_stage(folder: Path, key: str, case: str, paths: list[Path]) -> None:
    with Journal(folder) as journal:
        for path in paths:
            write_bytes(path, path.name.encode() * 10_000)
        journal.record(key, StageCost("measure", case), paths)


def test_a_stage_killed_at_any_moment_is_done_whole_or_not_at_all(tmp_path: Path):
    folder = tmp_path / "run"
    with Journal(folder, RUN):
        pass
    for n_kill in range(15):
        key = stage_key("measure", str(n_kill), {}, SETTINGS)
        paths = [folder / "cases" / f"{n_kill}-{n}.bin" for n in range(3)]
        work = partial(work_on_stage, folder, key, str(n_kill), paths)
        child = forked.start(work)
        time.sleep(0.002 * n_kill)
        forked.kill(child)
        with Journal(folder, RUN) as journal:
            if journal.is_done(key):
                assert all(path.read_bytes() == path.name.encode() * 10_000 for path in paths)
        work()
        with Journal(folder, RUN) as journal:
            assert journal.is_done(key)
    names = {path.name for path in (folder / "cases").iterdir()}
    assert names == {f"{n_kill}-{n}.bin" for n_kill in range(15) for n in range(3)}


def test_a_journal_that_is_no_database_is_refused_in_words(tmp_path: Path):
    (tmp_path / JOURNAL_NAME).write_bytes(b"not a database at all" * 100)
    assert refusal(tmp_path, RUN).code == "journal-unusable"


def test_a_failed_record_is_not_half_there(tmp_path: Path):
    with Journal(tmp_path, RUN) as journal:
        path = record_one(journal, tmp_path)
        with pytest.raises(InputError) as caught:
            journal.record(KEY, COST, [path, tmp_path / "missing.json"])
        assert caught.value.code == "journal-output"
        assert journal.is_done(KEY)
    with sqlite3.connect(tmp_path / JOURNAL_NAME) as database:
        assert database.execute("SELECT count(*) FROM output").fetchone() == (1,)
    database.close()
