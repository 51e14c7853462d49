"""One simulated patient with three weightings at two visits, aligned once for all tests."""

import pytest

from plaquecast.domain.anatomy import Weighting
from plaquecast.domain.visit import AlignedVisit
from plaquecast.register.contrasts import align_visit
from plaquecast.settings import RegisterSettings, SimulateSettings
from plaquecast.simulate.cohort import simulate_patient
from plaquecast.simulate.people import SimulatedPatient


@pytest.fixture(scope="session")
def patient() -> SimulatedPatient:
    return simulate_patient(0, 5, SimulateSettings(), (Weighting.T1W, Weighting.TOF, Weighting.MPRAGE))


@pytest.fixture(scope="session")
def aligned(patient: SimulatedPatient) -> tuple[AlignedVisit, AlignedVisit]:
    baseline, follow_up = (align_visit(visit.visit, RegisterSettings()) for visit in patient.visits)
    return baseline, follow_up
