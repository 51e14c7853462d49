"""The gate of coverage that no single image can be asked: how far each artery was found on either side of its fork."""

from collections.abc import Mapping

from plaquecast.domain.anatomy import Side
from plaquecast.domain.dataset import Finding, Severity
from plaquecast.domain.missing import Missing
from plaquecast.domain.morphology import ArteryMorphology
from plaquecast.geometry.along_artery import lengths_between
from plaquecast.settings import IngestSettings

_FARTHEST_MM = 1000.0


def coverage_findings(
    patient_id: str, session_id: str, arteries: Mapping[Side, ArteryMorphology | Missing], settings: IngestSettings
) -> tuple[Finding, ...]:
    """A flag for each artery found over too little below or above its bifurcation; the visit goes on.

    An artery that was not measured at all has its own reason and no flag here.
    """
    findings = []
    for side, artery in arteries.items():
        if isinstance(artery, Missing):
            continue
        below_mm = float(lengths_between(artery.slices, -_FARTHEST_MM, 0.0).sum())
        above_mm = float(lengths_between(artery.slices, 0.0, _FARTHEST_MM).sum())
        least_below, least_above = settings.min_below_bifurcation_mm, settings.min_above_bifurcation_mm
        if below_mm >= least_below and above_mm >= least_above:
            continue
        findings.append(
            Finding(
                Severity.FLAGGED,
                "bifurcation-coverage",
                f"at least {least_below:g} mm of the artery below its bifurcation and {least_above:g} mm above",
                f"{below_mm:.0f} mm below and {above_mm:.0f} mm above",
                f"{side.value} carotid of sub-{patient_id} ses-{session_id}",
                "Look whether the scan is centered on the bifurcation and whether it was found; compare with care.",
                patient_id,
                session_id,
            )
        )
    return tuple(findings)
