"""A registry that is tables only: what changed in all its patients, as a page, without touching an image."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plaquecast.pipeline.learning_data import is_simulated
from plaquecast.report.cohort import summary_report
from plaquecast.store.atomic import write_text
from plaquecast.store.change_tables import read_change_summary
from plaquecast.store.table_files import read_frame


@dataclass(frozen=True, slots=True)
class RegistryReport:
    """How many patients and visits a registry holds, and the page on it."""

    patients: int
    visits: int
    report: Path

    def as_dict(self) -> dict[str, Any]:
        """The same for machines."""
        return {"patients": self.patients, "visits": self.visits, "report": str(self.report)}


def report_registry(run: Path, out: Path) -> RegistryReport:
    """Write one page on the tables `clinical` and `change_factors` of a run, however many patients they hold.

    Raises:
        InputError: if a table is missing or damaged, or the page cannot be written.
    """
    simulated = is_simulated(run)
    visits = read_frame(run / "tables", "clinical", ["participant_id"]).participant_id
    summaries = read_change_summary(run / "tables")
    patients = int(visits.nunique())
    answer = [f"{patients} patients with {len(visits)} visits, as their tables say."]
    methods = ["Read from the tables of a run, whose own record says how they were made; research use only."]
    write_text(out, summary_report(run.resolve().name, summaries, (), methods, simulated, answer))
    return RegistryReport(patients, len(visits), out)
