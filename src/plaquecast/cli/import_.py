"""`plaquecast import`: DICOM or NIfTI and a clinical table become a de-identified BIDS dataset."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, resolve
from plaquecast.cli.output import speak_json, tell


def import_(
    source: Annotated[Path, typer.Argument(help="Folder or archive of DICOM files, or PATIENT/VISIT/*.nii.gz.")],
    out: Annotated[Path, typer.Option("--out", help="New folder of the dataset.")],
    clinical: Annotated[
        Path | None, typer.Option("--clinical", help="Table with one row per patient and visit (CSV, TSV or XLSX).")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="TOML that maps the table's columns, units and codes.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="Where to keep who is who; left out, nobody can tell.")
    ] = None,
    weightings: Annotated[
        Path | None, typer.Option("--weightings", help="The weightings.tsv of an earlier import, edited.")
    ] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Read scans, decide which series is which weighting, remove identities and write a BIDS dataset.

    Example: plaquecast import scans --clinical patients.csv --mapping columns.toml --out cohort
    """
    from dataclasses import asdict

    from plaquecast.domain.dataset import Severity
    from plaquecast.pipeline.import_dataset import import_dataset

    speak_json(json)
    imported = import_dataset(source, clinical, mapping, key_file, weightings, out, resolve(settings, overrides))
    for finding in imported.findings:
        tell(f"{finding.severity.value}: {finding}", asdict(finding))
    refused = sum(finding.severity is Severity.REFUSED for finding in imported.findings)
    counts = {"imported": len(imported.patients), "refused": refused, "flagged": len(imported.findings) - refused}
    sentence = f"{counts['imported']} patients imported, {refused} refused, {counts['flagged']} flagged: {out}"
    tell(sentence, {"dataset": str(out), **counts})
    if not imported.patients:
        raise typer.Exit(2)
