"""Simulated patients with images: two visits or more, repeat scans, and everything that is true about them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.visit import Visit
from plaquecast.domain.volume import ArterySegmentation, Volume
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.mri import scan
from plaquecast.simulate.neck import SimulatedNeck, draw_neck
from plaquecast.simulate.people import SimulatedPatient, SimulatedVisit
from plaquecast.simulate.person import SimulatedPerson, draw_person, patient_code
from plaquecast.simulate.scanner import Scanner, draw_move, draw_pose, draw_scanner
from plaquecast.simulate.scene import Scene, build_scene
from plaquecast.simulate.signal import TissueValues, draw_tissues
from plaquecast.simulate.truth_map import true_segmentation

FIVE_WEIGHTINGS = (Weighting.T1W, Weighting.T2W, Weighting.PDW, Weighting.TOF, Weighting.MPRAGE)

REFERENCE = Weighting.T1W
"""The weighting on whose grid the truth lies; it is always scanned."""

_CENTER_MM = (0.0, 9.0, 0.0)
_UNTIL_RESCAN = timedelta(days=14)


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    """What stays the same from scan to scan: the person, the neck, the tissues and the scanner."""

    person: SimulatedPerson
    neck: SimulatedNeck
    tissues: TissueValues
    scanner: Scanner


def session_id(visit: int) -> str:
    """Name of a visit.

    >>> session_id(0), session_id(1), session_id(2)
    ('baseline', 'followup', 'followup2')
    """
    return "baseline" if visit == 0 else "followup" if visit == 1 else f"followup{visit}"


def simulate_patients(
    n_patients: int,
    seed: int,
    settings: SimulateSettings,
    weightings: Sequence[Weighting] = FIVE_WEIGHTINGS,
    n_visits: int = 2,
) -> Iterator[SimulatedPatient]:
    """Simulate patients one after the other; each depends on `seed` and its own index only."""
    for index in range(n_patients):
        yield simulate_patient(index, seed, settings, weightings, n_visits)


def simulate_patient(
    index: int,
    seed: int,
    settings: SimulateSettings,
    weightings: Sequence[Weighting] = FIVE_WEIGHTINGS,
    n_visits: int = 2,
) -> SimulatedPatient:
    """Simulate patient `index` (from 0) of the cohort `seed`, images included.

    Raises:
        InputError: if a setting is not known.
    """
    body = _draw_body(index, seed, settings, n_visits)
    person = body.person
    visits = tuple(
        _scan_visit(body, visit, weightings, np.random.default_rng([seed, index, visit, 0]))
        for visit in range(n_visits)
    )
    return SimulatedPatient(person.patient_id, visits, person.true_change, person.expected_change)


def simulate_repeat(
    index: int,
    seed: int,
    settings: SimulateSettings,
    repeat: int = 1,
    weightings: Sequence[Weighting] = FIVE_WEIGHTINGS,
) -> SimulatedVisit:
    """Scan the baseline of a patient once more: same anatomy and tissues, new pose, moves, noise and artifacts.

    `repeat` 0 is the baseline scan itself, 1, 2, … are the repeats; each comes two weeks after the one before, in which
    nothing grows, and is the session `rescan`, `rescan2`, …
    """
    body = _draw_body(index, seed, settings, n_visits=2)
    return _scan_visit(body, 0, weightings, np.random.default_rng([seed, index, 0, repeat]), repeat)


def simulate_labels(
    index: int, seed: int, settings: SimulateSettings, repeat: int = 0
) -> Mapping[Side, ArterySegmentation]:
    """The true label maps of a baseline scan or one of its repeats, as `simulate_repeat` gives them; no images."""
    body = _draw_body(index, seed, settings, n_visits=2)
    _, labels, _ = _lay_down(body, 0, np.random.default_rng([seed, index, 0, repeat]))
    return labels


def _draw_body(index: int, seed: int, settings: SimulateSettings, n_visits: int) -> _Body:
    rng = np.random.default_rng([seed, index])
    scanner = draw_scanner(settings)
    person = draw_person(patient_code(index), rng, settings, n_visits)
    # Neck and tissues have their own stream, so that a longer follow-up leaves the baseline scan as it was.
    rng = np.random.default_rng([seed, index, 1_000_000])
    neck = draw_neck(rng, person.arteries[0])
    return _Body(person, neck, draw_tissues(rng, scanner.field_strength_tesla), scanner)


def _scan_visit(
    body: _Body, visit: int, weightings: Sequence[Weighting], rng: np.random.Generator, repeat: int = 0
) -> SimulatedVisit:
    person = body.person
    scene, truth, pose = _lay_down(body, visit, rng)
    volumes, moves = _scan_weightings(body, scene, weightings, rng)
    session = session_id(visit) if repeat == 0 else "rescan" if repeat == 1 else f"rescan{repeat}"
    acquired = person.acquired[visit] + repeat * _UNTIL_RESCAN
    return SimulatedVisit(
        visit=Visit(person.patient_id, session, acquired, volumes, person.records[visit]),
        reference=REFERENCE,
        truth=truth,
        morphology=person.morphology[visit],
        transforms=moves,
        neck_from_model=pose,
    )


def _lay_down(
    body: _Body, visit: int, rng: np.random.Generator
) -> tuple[Scene, Mapping[Side, ArterySegmentation], RigidTransform]:
    """The neck in the scanner at a visit, the truth of both arteries there, and the pose."""
    arteries, pose = body.person.arteries[visit], draw_pose(rng)
    grid = body.scanner.grid(REFERENCE, _CENTER_MM)
    recirculation = float(rng.beta(1.2, 3.0)) * min(body.scanner.artifact_share, 1.6)
    scene = build_scene(body.neck, arteries, pose, grid, min(recirculation, 1.0))
    truth = {
        side: true_segmentation(side, scene.arteries[side], artery.centerline, pose, grid)
        for side, artery in arteries.items()
    }
    return scene, truth, pose


def _scan_weightings(
    body: _Body, scene: Scene, weightings: Sequence[Weighting], rng: np.random.Generator
) -> tuple[Mapping[Weighting, Volume], Mapping[Weighting, RigidTransform]]:
    """Images and the moves of the neck between them; each weighting has its own stream of chance."""
    streams = dict(zip(Weighting, rng.spawn(len(Weighting)), strict=True))
    volumes: dict[Weighting, Volume] = {}
    moves: dict[Weighting, RigidTransform] = {}
    for weighting in dict.fromkeys((REFERENCE, *weightings)):
        own = streams[weighting]
        moved = draw_move(own, body.scanner.artifact_share)
        moves[weighting] = RigidTransform.identity() if weighting is REFERENCE else moved
        grid = body.scanner.grid(weighting, _CENTER_MM)
        volumes[weighting] = scan(scene, weighting, body.tissues, body.scanner, moves[weighting], grid, own)
    return volumes, moves
