"""Simulated cohorts as tables, made once for all tests that learn from them."""

from functools import cache

from plaquecast.settings import SimulateSettings
from plaquecast.simulate.people import SimulatedTable
from plaquecast.simulate.table import simulate_table


@cache
def cohort(n_patients: int, seed: int = 7, world: str = "default") -> SimulatedTable:
    """A simulated cohort with published measurement error."""
    return simulate_table(n_patients, seed, SimulateSettings(world=world))
