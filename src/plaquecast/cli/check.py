"""`plaquecast check`: every problem of a dataset at once, nothing computed."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, resolve
from plaquecast.cli.output import speak_json, tell


def check(
    dataset: Annotated[Path, typer.Argument(help="Folder of the BIDS dataset.")],
    html: Annotated[Path | None, typer.Option("--html", help="Write the findings as a page.")] = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """List everything that is wrong with a dataset: tables, dates, units and every byte of every image.

    Ends with exit code 2 if any patient would be refused.

    Example: plaquecast check cohort
    """
    from dataclasses import asdict

    from plaquecast.domain.dataset import Severity
    from plaquecast.ingest.dataset import check_dataset

    speak_json(json)
    findings = check_dataset(dataset, resolve(settings, overrides).ingest)
    for finding in findings:
        tell(f"{finding.severity.value}: {finding}", asdict(finding))
    if html is not None:
        from plaquecast.pipeline.check import write_check_report

        write_check_report(html, dataset, findings)
    refused = sum(finding.severity is Severity.REFUSED for finding in findings)
    counts = {"refused": refused, "flagged": len(findings) - refused}
    tell(f"Checked {dataset}: {refused} refused, {len(findings) - refused} flagged", counts)
    if refused:
        raise typer.Exit(2)
