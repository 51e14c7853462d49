"""The worlds in which people are simulated: what they are like, and how strongly their data shape what happens."""

from dataclasses import dataclass

from plaquecast.errors import InputError
from plaquecast.settings import SimulateSettings


@dataclass(frozen=True, slots=True)
class World:
    """Knobs of a world; the defaults are the default world."""

    explained_share: float
    """Share of the variance of true change that structured data and baseline explain."""
    has_plaque: bool = True
    on_statin: float = 0.55
    """Share of people on a statin; drugs are given for a reason, so it rises with disease."""
    new_statin: float = 0.3
    """Share of those on a statin who began within the last two years."""
    plaque_median_mm: float = 1.6
    """Median height of the main plaque above the normal wall."""
    tallest_plaque_mm: float = 7.0
    """Plaques are not drawn taller; where nothing may predict change, none is so tall that it can only shrink."""
    age_mean_years: float = 64.0


def world_of(settings: SimulateSettings) -> World:
    """The world that the settings name.

    `harsh` and `contrast` differ from the default in their images only.

    Raises:
        InputError: if there is no such world.
    """
    share = settings.explained_share
    worlds = {
        "default": World(share),
        "null": World(0.0, tallest_plaque_mm=3.0),
        "healthy": World(share, has_plaque=False),
        "strong": World(0.6),
        "treatment": World(share, on_statin=0.7, new_statin=0.8),
        "shifted": World(share, age_mean_years=70.0, plaque_median_mm=1.9, on_statin=0.35),
        "harsh": World(share),
        "contrast": World(share),
    }
    if settings.world not in worlds:
        raise InputError(
            expected=f"one of the worlds {', '.join(worlds)}",
            found=f"'{settings.world}'",
            where="simulate.world",
            remedy="Name one of them.",
            code="unknown-world",
        )
    return worlds[settings.world]
