"""`plaquecast simulate`: a simulated cohort as a BIDS dataset, with its truth."""

from pathlib import Path
from typing import Annotated

import typer

from plaquecast.cli.options import Json, Overrides, SettingsFile, Workers, resolve
from plaquecast.cli.output import listener, speak_json, tell


def simulate(
    patients: Annotated[int, typer.Option("--patients", min=1, help="How many patients.")],
    out: Annotated[Path, typer.Option("--out", help="New folder of the dataset.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed; the same seed gives the same patients.")] = 1,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="With images, or as tables of a run with published errors.")
    ] = True,
    world: Annotated[
        str,
        typer.Option(
            "--world",
            help="default, null, healthy, strong, treatment, shifted, harsh, contrast; the settings say if not given.",
        ),
    ] = "",
    visits: Annotated[int, typer.Option("--visits", min=2, help="How many visits each patient has.")] = 2,
    repeat_scans: Annotated[
        int,
        typer.Option("--repeat-scans", min=0, help="Scan the baseline of so many patients again, as session `rescan`."),
    ] = 0,
    dicom: Annotated[
        str,
        typer.Option("--dicom", help="Also as DICOM of a scanner of siemens, ge, philips or philips-enhanced."),
    ] = "",
    wall_maps: Annotated[
        bool, typer.Option("--wall-maps", help="Without images: also slices and unwrapped walls, with their errors.")
    ] = False,
    workers: Workers = None,
    settings: SettingsFile = None,
    overrides: Overrides = None,
    json: Json = False,
) -> None:
    """Simulate patients with two visits or more whose truth is known; it is kept in OUT/derivatives/truth.

    Example: plaquecast simulate --patients 10 --seed 1 --out cohort
    """
    from plaquecast.pipeline.simulate import write_simulated_cohort, write_simulated_tables

    speak_json(json)
    if dicom and not images:
        raise typer.BadParameter("--dicom is of images; leave --no-images out")
    if repeat_scans and not images:
        raise typer.BadParameter("--repeat-scans is of images; leave --no-images out")
    if repeat_scans > patients:
        raise typer.BadParameter(f"--repeat-scans is {repeat_scans}, of {patients} patients")
    if wall_maps and images:
        raise typer.BadParameter("--wall-maps is of tables; give --no-images too")
    resolved = resolve(settings, [*([f"simulate.world={world}"] if world else ()), *(overrides or ())], workers)
    with listener() as listen:
        if images:
            write_simulated_cohort(out, patients, seed, resolved, listen, repeat_scans, dicom, visits)
        else:
            write_simulated_tables(out, patients, seed, resolved, wall_maps=wall_maps, visits=visits)
    tell(f"Done: {patients} simulated patients in {out}", {"patients": patients, "dataset": str(out)})
