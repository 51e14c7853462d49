"""Examine public scans and write docs/explanation/real-scans.md with pictures: `python -m benchmarks.real_scans`."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks import real_scans_register

from plaquecast.domain.anatomy import Side
from plaquecast.domain.examined import ExaminedVisit
from plaquecast.domain.missing import Missing
from plaquecast.pipeline.examine import examine_visit
from plaquecast.pipeline.models import segmenter_for
from plaquecast.pipeline.visit import ReadVisit, read_one
from plaquecast.report.figures import cross_sections
from plaquecast.report.visit import artery_sentence
from plaquecast.settings import Settings

ROOT = Path(__file__).parents[1]
SHARED_DATA = Path(os.environ.get("PLAQUECAST_SHARED_DATA", ROOT.parent / "shared/data"))


_INTRODUCTION = """\
Made by `python -m benchmarks.real_scans` from public scans that lie beside the project; they are not part of it. None
of them shows a vessel wall with labels, and none shows one carotid twice, so they test reading, alignment and the
search for the carotids, and nothing else. They are bright-blood gradient echoes: lumen and axis are what they can
show. Weightings are the names that the user gives; images with and without magnetization transfer have no name of
their own here and are called SNAP and MPRAGE for this trial. Change per year cannot be had from any of them: where a
date is blanked or missing, the page of the visit says so, and the images are examined all the same."""

_ALIGNMENT = """\
Two visits of one person with multiple sclerosis, 81 days apart (Lesjak 2016, CC BY), between contrasts and between
visits, against the transforms that came with the data; these are affine, so the last columns show what the best rigid
fit to them leaves. `brain` errors are taken inside the brain mask, `neck` errors at the bright vessels of the spinal-
cord neck."""


@dataclass(frozen=True, slots=True)
class Neck:
    """A public neck: what it is, whose, its folder, its images with the names they are given, and its seeds."""

    title: str
    source: str
    folder: str
    weightings: tuple[str, ...]
    seeds: str
    picture: str


NECKS = (
    Neck(
        "One neck in three contrasts, 0.9 × 0.9 × 5 mm",
        "Gradient echo, T1-weighted, with and without magnetization transfer; spinalcordtoolbox/sct_example_data, MIT",
        "neck-spinalcord/sct_example_data/mt", ("t1w.nii.gz=TOF", "mt1.nii.gz=SNAP", "mt0.nii.gz=MPRAGE"),
        "neck-spinalcord/vessel_seeds.json:sct_example_data/mt/t1w.nii.gz", "real-neck-three-contrasts.png",
    ),
    Neck(
        "A neck at 0.5 × 0.5 × 1 mm, as NIfTI",
        "T1-weighted 3D gradient echo, bright by inflow; neurolabusc/dcm_qa_uih, BSD-2",
        "neck-uih", ("subjectA_t1gre_neckcrop.nii.gz=TOF",),
        "neck-uih/vessel_seeds.json:subjectA_t1gre_neckcrop.nii.gz", "real-neck-fine.png",
    ),
    Neck(
        "The same scan, 25 slices as the scanner wrote them (DICOM, dates blanked)",
        "From neurolabusc/dcm_qa_uih, BSD-2",
        "neck-uih", ("dicom_slab_A=TOF",), "neck-uih/vessel_seeds.json:subjectA_t1gre_neckcrop.nii.gz",
        "real-neck-dicom.png",
    ),
)  # fmt: skip


def examine(neck: Neck, settings: Settings) -> tuple[ReadVisit, ExaminedVisit]:
    """Read, align, segment and measure one neck as `plaquecast examine` does."""
    read = read_one(SHARED_DATA / neck.folder, "neck1", "once", neck.weightings, settings)
    return read, examine_visit(read.visit, segmenter_for(read.visit, None).segmenter, settings)


def seed_rows(neck: Neck, examined: ExaminedVisit) -> list[tuple[str, float]]:
    """Each hand-placed center within the scan, and its distance in mm from the nearest found axis of its side."""
    file, _, image = neck.seeds.partition(":")
    grid, rows = examined.aligned.grid, []
    for seed in json.loads((SHARED_DATA / file).read_text(encoding="utf-8"))[image]:
        artery = examined.segmentations[Side.LEFT if seed["name"].startswith("L") else Side.RIGHT]
        index = grid.to_index(seed["mm_LPS"])
        if not np.all((index >= -0.5) & (index <= np.array(grid.shape) - 0.5)):
            continue
        distance = np.inf
        if not isinstance(artery, Missing):
            for axis in (artery.centerline, artery.external):
                if axis is not None:
                    off = grid.to_index(axis.points_mm) - index
                    near = off[np.abs(off[:, 0]) < 0.6]
                    across = np.linalg.norm(near[:, 1:] * grid.spacing_mm[1:], axis=1)
                    distance = min([distance, *across.tolist()])
        rows.append((f"{seed['name']} at z = {seed['mm_LPS'][2]:.0f} mm", distance))
    return rows


def neck_section(neck: Neck, settings: Settings) -> list[str]:
    """The part of the page on one neck; its picture is written on the way."""
    read, examined = examine(neck, settings)
    lines = [f"## {neck.title}", "", f"{neck.source}.", ""]
    named = " ".join(f"--weighting {weighting}" for weighting in neck.weightings)
    lines += [f"`plaquecast examine {neck.folder} --patient neck1 {named} --out visit`", ""]
    lines += [f"- {finding}" for finding in map(str, read.findings)]
    lines += [f"- {artery_sentence(side, artery)}" for side, artery in examined.arteries.items()]
    lines += [
        f"- {weighting}: {quality.reason}, score {quality.score:.2f}{'' if quality.passed else ', left out'}."
        for weighting, quality in examined.aligned.quality.items()
    ]
    return lines + _seed_table(neck, examined) + _picture(neck, examined)


def _seed_table(neck: Neck, examined: ExaminedVisit) -> list[str]:
    rows = seed_rows(neck, examined)
    if not rows:
        return ["", "None of the hand-placed centers lies in these slices.", ""]
    far = [distance for _, distance in rows]
    return [
        "",
        f"Distance of the found axis from {len(rows)} hand-placed centers (approximate themselves): median"
        f" {np.median(far):.1f} mm, largest {max(far):.1f} mm.",
        "",
        "| center | distance, mm |",
        "|---|---|",
        *(f"| {name} | {distance:.1f} |" for name, distance in rows),
        "",
    ]


def _picture(neck: Neck, examined: ExaminedVisit) -> list[str]:
    figures = [cross_sections(examined, side) for side in Side]
    shown = next((figure for figure in figures if figure is not None), None)
    if shown is None:
        return []
    (ROOT / "docs/images" / neck.picture).write_bytes(shown.data)
    return [f"![{shown.alternative}](../images/{neck.picture})", "", f"*{shown.caption}*", ""]


def page(settings: Settings) -> str:
    """The whole page."""
    lines: Sequence[str] = [
        "# Real scans",
        "",
        _INTRODUCTION,
        "",
        *(line for neck in NECKS for line in neck_section(neck, settings)),
        "## Alignment against given transforms",
        "",
        _ALIGNMENT,
        "",
        "| data | before, median mm | error, median mm | 95th percentile | best rigid fit, median | 95th percentile |",
        "|---|---|---|---|---|---|",
        *(_register_row(row) for row in real_scans_register.rows(SHARED_DATA, settings.register)),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _register_row(row: real_scans_register.Row) -> str:
    numbers = (row.before_median, row.median, row.p95, row.floor_median, row.floor_p95)
    return f"| {row.data} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |"


def main() -> None:
    """Write the page."""
    text = page(Settings())
    (ROOT / "docs/explanation/real-scans.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
