"""What was published of carotid arteries with plaque, row by row, and which simulated arteries each row is like."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from benchmarks.simulated_population import Array, Population
from scipy.stats import norm

Selector = Callable[[Population], Array]


@dataclass(frozen=True)
class Row:
    """One published number: a mean (or median) with SD, or a share in percent.

    `values` gives the simulated values, one per artery or slice (or a single rate); `published_n` is how many the
    source counted, where that is known, and says how sure the published number is. `why` explains a miss.
    """

    quantity: str
    group: str
    published: float
    published_sd: float | None
    source: str
    values: Selector
    is_share: bool = False
    is_median: bool = False
    published_n: int = 0
    world: str = "default"
    why: str = ""


def everyone(p: Population) -> Array:
    """All arteries."""
    return np.ones(len(p["years"]), dtype=bool)


def plaque(p: Population) -> Array:
    """The usual limit of plaque on MR."""
    return p["thickness0"] > 1.5


def thick(p: Population) -> Array:
    """The limit of the Rotterdam study."""
    return p["thickness0"] >= 2.5


def thickened(p: Population) -> Array:
    """Both arteries, where they hold plaque, of people with a thick wall on either side: whom Rotterdam invited."""
    return np.repeat(thick(p).reshape(-1, 2).any(axis=1), 2) & plaque(p)


def shown_core(of: Selector) -> Selector:
    """Percent of them with a core that is seen without contrast agent: half of what it holds has not bled."""
    return lambda p: 100.0 * ((p["core0"] > 0.0) & (p["hemorrhage0"] < 0.6 * p["core0"]))[of(p)]


def men(of: Selector) -> Selector:
    """The men among them."""
    return lambda p: of(p) & (p["man"] == 1.0)


def women(of: Selector) -> Selector:
    """The women among them."""
    return lambda p: of(p) & (p["man"] == 0.0)


def statin(of: Selector, low: float, high: float) -> Selector:
    """Those who have taken a statin for so many years."""
    return lambda p: of(p) & (p["statin"] == 1.0) & (p["statin_years"] >= low) & (p["statin_years"] < high)


def between(name: str, low: float, high: float, of: Selector = everyone) -> Selector:
    """Those of a group whose baseline value lies in a range."""
    return lambda p: of(p) & (p[name] >= low) & (p[name] < high)


def value(name: str, of: Selector) -> Selector:
    """Baseline values."""
    return lambda p: p[name][of(p)]


def holding(name: str, of: Selector) -> Selector:
    """Percent of them that hold a component."""
    return lambda p: 100.0 * (p[name][of(p)] > 0.0)


def rate(name: str, of: Selector, measured: bool = False) -> Selector:
    """Changes per year."""
    return lambda p: p.rate(name, measured)[of(p)]


def section(name: str) -> Selector:
    """Values of cross-sections of arteries with plaque."""
    return lambda p: p.slices[name][plaque(p)[p.slices["row"].astype(int)]]


def of_24_mm(of: Selector, as_percent_wall: bool = False) -> Selector:
    """Lumen volume, or percent wall volume, of 24 mm around the bifurcation."""

    def values(p: Population) -> Array:
        near = np.abs(p.slices["position"]) < 12.0
        rows = p.slices["row"][near].astype(int)
        wall, lumen = (2.0 * np.bincount(rows, p.slices[name][near]) for name in ("wall", "lumen"))
        return (100.0 * wall / (wall + lumen) if as_percent_wall else lumen)[of(p)]

    return values


def with_error(name: str, of: Selector) -> Selector:
    """Changes per year with the multi-centre error of 5.8 % of each scan, once added and once taken away."""

    def values(p: Population) -> Array:
        error = 0.058 * p[f"{name}0"] * np.sqrt(2.0) * np.random.default_rng(0).standard_normal(len(p["years"]))
        either = [p.rate(name) + sign * error / p["years"] for sign in (1.0, -1.0)]
        return np.concatenate([each[of(p)] for each in either])

    return values


def by_grades(name: str, of: Selector, points: float = 10.0, years: float = 4.0) -> Selector:
    """Changes per year as told from how many arteries leave their grade of `points` within `years`, up or down.

    Rates of stenosis were published as these two shares; mean and SD are those of the normal distribution that has
    them, for the source as for the simulated. Values keep their order and have that mean and SD.
    """

    def values(p: Population) -> Array:
        rates = p.rate(name)[of(p)]
        up, down = norm.isf(np.mean(rates * years >= points)), norm.ppf(np.mean(rates * years <= -points))
        sd = 2.0 * points / (up - down)
        return (points - sd * up + sd * (rates - rates.mean()) / rates.std()) / years

    return values


def core_points(of: Selector, of_wall: str, measured: bool) -> Selector:
    """Change per year of the core in percent of the wall (of the artery, or of the slices with core at baseline)."""

    def values(p: Population) -> Array:
        lead = "m_" if measured else ""
        later = of_wall.replace("0", "1") if measured else of_wall
        percent = [100.0 * p[f"{lead}core{v}"] / p[lead + wall] for v, wall in ((0, of_wall), (1, later))]
        return ((percent[1] - percent[0]) / p["years"])[of(p)]

    return values


def incidence(name: str) -> Selector:
    """Yearly probability in percent of a component in plaque that lacked it (one value)."""

    def values(p: Population) -> Array:
        free = (p[f"{name}0"] == 0.0) & plaque(p)
        got = (p[f"{name}1"][free] > 0.0).mean()
        return np.array([100.0 * (1.0 - np.exp(np.log(1.0 - got) / p["years"][free].mean()))])

    return values


def crossings(p: Population) -> Array:
    """How often per 100 person-years a measured ECST stenosis passes 50 % (one value)."""
    below = (p["m_ecst0"] < 50.0) & plaque(p)
    return np.array([100.0 * (p["m_ecst1"][below] >= 50.0).sum() / p["years"][below].sum()])


PLAQUE, THICK = "wall over 1.5 mm", "wall of 2.5 mm or more"
THICKENED = "people with a wall of 2.5 mm on either side, plaques"
visible, core, bled = between("ecst0", 30.0, 100.0), between("core0", 1e-6, 1e9), between("hemorrhage0", 1e-6, 1e9)
pure_core = between("hemorrhage0", 0.0, 1e-6, core)
mild, moderate = between("nascet0", -100.0, 30.0, plaque), between("nascet0", 30.0, 50.0)
half, symptomatic = between("nascet0", -100.0, 50.0, plaque), between("nascet0", 30.0, 70.0)
asymptomatic = between("ecst0", 50.0, 100.0, between("hemorrhage0", 0.0, 1e-6))
untreated = between("statin", 0.0, 0.5, plaque)


def thin_cap(of: Selector) -> Selector:
    """Percent of them with a cap below 0.2 mm at its thinnest, or ruptured."""
    return lambda p: 100.0 * (p["cap_min0"][of(p)] < 0.2)


ROWS = (
    Row("common diameter, mm", "no plaque", 6.85, 0.84, "64-slice CT",
        value("common_mm", everyone), world="healthy"),
    Row("bulb diameter, mm", "no plaque", 8.55, 1.73, "64-slice CT", value("bulb_mm",
        everyone), world="healthy"),
    Row("internal diameter, mm", "no plaque", 5.12, 0.7, "64-slice CT",
        value("internal_mm", everyone), world="healthy"),
    Row("internal / common diameter", "no plaque", 0.77, 0.12, "Thomas 2005",
        lambda p: p["internal_mm"] / p["common_mm"],
        world="healthy"),
    Row("external diameter, mm", "no plaque", 4.32, 0.58, "64-slice CT",
        value("external_mm", everyone), world="healthy"),
    Row("bifurcation angle, °", "all", 63.6, 15.4, "Thomas 2005", value("angle", everyone)),
    Row("internal angle, °", "all", 29.2, 11.3, "Thomas 2005", value("internal_angle", everyone)),
    Row("wall volume, mm³", "no plaque", 741.0, None, "Varghese 2005", value("wall0", everyone), world="healthy"),
    Row("lumen area of a slice, mm²", PLAQUE, 43.4, 24.7, "Wei 2019", section("lumen")),
    Row("wall area of a slice, mm²", PLAQUE, 30.6, 16.2, "Wei 2019", section("wall")),
    Row("normalized wall index of a slice", PLAQUE, 0.43, 0.11, "Wei 2019", section("index")),
    Row("mean wall thickness of a slice, mm", PLAQUE, 1.14, 0.47, "Wei 2019", section("mean_thickness")),
    Row("maximum wall thickness of a slice, mm", PLAQUE, 1.62, 1.10, "Wei 2019", section("max_thickness")),
    Row("wall volume, mm³", PLAQUE, 860.0, None, "Composition and ulceration", value("wall0", plaque),
        is_median=True),
    Row("lumen volume of 24 mm, mm³", f"men, {THICK}", 1078.0, 300.0, "Selwaness", of_24_mm(men(thick))),
    Row("lumen volume of 24 mm, mm³", f"women, {THICK}", 933.0, 300.0, "Selwaness", of_24_mm(women(thick))),
    Row("wall in the vessel of 24 mm, %", THICK, 50.0, 8.0, "Selwaness", of_24_mm(thick,
        as_percent_wall=True)),
    Row("NASCET stenosis, %", "ECST of 30 % or more", 24.0, 22.0, "Mihai", value("nascet0", visible)),
    Row("ECST stenosis, %", "ECST of 30 % or more", 48.0, 14.0, "Mihai", value("ecst0", visible)),
    Row("area stenosis, %", "ECST of 30 % or more", 72.0, None, "Mihai", value("area_stenosis0", visible)),
    Row("core volume, mm³", "core without hemorrhage", 60.4, None, "Zhao 2011", value("core0", pure_core)),
    Row("core in the wall of its slices, %", "core without hemorrhage", 14.2, None, "Zhao 2011",
        lambda p: (100.0 * p["core0"] / p["lipid_wall0"])[pure_core(p)]),
    Row("wall in the vessel of its slices, %", "core without hemorrhage", 52.3, None, "Zhao 2011",
        lambda p: (100.0 * p["lipid_wall0"] / p["lipid_vessel0"])[pure_core(p)]),
    Row("with core, %", PLAQUE, 42.0, None, "ARIC 2009", holding("core0", plaque), True,
        why="by little beyond the bar; the source is a population study with thinner walls than a clinic."),
    Row("with core, %", "stenosis below 30 %", 45.8, None, "Zhao H", holding("core0", mild), True,
        why="with the share of 86.7 % at 30–49 % that the same patients have, it would make more than the 42 % of "
        "all plaques that ARIC found; both of these are met."),
    Row("with core, %", "stenosis of 30–49 %", 86.7, None, "Zhao H", holding("core0", moderate), True),
    Row("with core that shows beside hemorrhage, %", f"men, {THICKENED}", 28.9, None, "Rotterdam components",
        shown_core(men(thickened)),
        True,
        why="by little beyond the bar: more of what men's cores hold has bled here."),
    Row("with core that shows beside hemorrhage, %", f"women, {THICKENED}", 21.7, None, "Rotterdam components",
        shown_core(women(thickened)), True,
        why="by a tenth of a point beyond the bar: fewer of women's cores have bled than in that source."),
    Row("with hemorrhage, %", PLAQUE, 21.6, None, "Blood pressure", holding("hemorrhage0", plaque),
        True),
    Row("with hemorrhage, %", f"men, {THICKENED}", 28.8, None, "Rotterdam components", holding("hemorrhage0",
        men(thickened)), True),
    Row("with hemorrhage, %", f"women, {THICKENED}", 18.3, None, "Rotterdam components", holding("hemorrhage0",
        women(thickened)), True,
        why="two sources disagree on women: 18.3 % here, 6 % below 50 % stenosis (Ota 2013), which is met; few "
        "women have more stenosis."),
    Row("with hemorrhage, %", "men, stenosis below 50 %", 24.0, None, "Ota 2013", holding("hemorrhage0", men(half)),
        True),
    Row("with hemorrhage, %", "women, stenosis below 50 %", 6.0, None, "Ota 2013", holding("hemorrhage0", women(half)),
        True),
    Row("with hemorrhage, %", "no stenosis", 4.4, None, "Zhao X",
        holding("hemorrhage0", between("nascet0", -100.0, 0.5)), True),
    Row("with hemorrhage, %", "wall below 40 % of vessel", 3.2, None, "Zhao X",
        holding("hemorrhage0", between("burden0", 0.0, 40.0)), True),
    Row("with hemorrhage, %", "mean thickness below 1 mm", 2.3, None, "Zhao X",
        holding("hemorrhage0", between("mean_thickness0", 0.0, 1.0)), True),
    Row("with hemorrhage, %", "stenosis of 30–49 %", 26.7, None, "Zhao H", holding("hemorrhage0", moderate), True,
        why="if only every fourth of these arteries had bled, women with a wall of 2.5 mm would bleed half as "
        "often as in Rotterdam, and all plaques by a sixth less often than published, for arteries without "
        "stenosis hardly bleed (Zhao X)."),
    Row("thin or ruptured cap, %", "men, stenosis below 50 %", 16.0, None, "Ota 2013", thin_cap(men(half)), True),
    Row("thin or ruptured cap, %", "women, stenosis below 50 %", 2.0, None, "Ota 2013", thin_cap(women(half)), True),
    Row("with calcification, %", "below 60 years", 55.0, None, "Lu 2019",
        holding("calcification0", between("age", 0, 60, plaque)), True, published_n=24,
        why="by two points beyond the bar; well within what 24 patients tell."),
    Row("with calcification, %", "60 to 75 years", 66.0, None, "Lu 2019",
        holding("calcification0", between("age", 60, 75, plaque)), True, published_n=24),
    Row("with calcification, %", "above 75 years", 91.0, None, "Lu 2019",
        holding("calcification0", between("age", 75, 200, plaque)), True, published_n=24),
    Row("wall above the bifurcation, mm³/yr", "stenosis of 30–70 %", 35.2, 68.8, "Lu 2020",
        with_error("above", symptomatic), published_n=96),
    Row("wall below the bifurcation, mm³/yr", "stenosis of 30–70 %", 4.2, 65.0, "Lu 2020",
        with_error("below", symptomatic), published_n=96,
        why="the aging of the wall alone, by the rate of people without plaque (MESA), adds 5 mm³ a year there; "
        "the bar is a thirtieth of what the source's own 96 plaques leave open. Less is gained below than "
        "above, as published."),
    Row("wall area, %/yr", "ECST of 50 % or more, no hemorrhage", 2.2, None, "Saam 2007",
        lambda p: (100.0 * p.rate("mean_area") / p["mean_area0"])[asymptomatic(p)], published_n=68,
        why="plaques without hemorrhage grow a little too slowly beside those with; well within what 68 patients "
        "tell."),
    Row("plaque volume, mm³/yr", "no statin", 35.0, None, "3D ultrasound 2021", rate("plaque", untreated),
        is_median=True, published_n=48),
    Row("plaque volume, mm³/yr", "statin", 7.5, None, "3D ultrasound 2021", rate("plaque", statin(plaque, 0.0,
        99.0)), is_median=True, published_n=49,
        why="by 3 mm³ a year: a median between growth and loss, which the source itself knows to ± 18."),
    Row("mean wall thickness, mm/yr", "no plaque", 0.0118, 0.0128, "MESA", rate("mean_thickness", everyone),
        world="healthy", published_n=3441),
    Row("core, points of the wall/yr", "statin for over 2 years", -0.5, 2.4, "AIM-HIGH 2022",
        core_points(statin(core, 2.0, 99.0), "wall0", measured=True), published_n=156,
        why="by tenths of a point a year, of an SD of 2.4."),
    Row("core, points of its slices/yr", "statin begun, first 2 years", -3.1, None, "Zhao 2011",
        core_points(statin(core, 0.0, 0.7), "lipid_wall0", measured=False), published_n=33,
        why="by half a point a year, of few simulated and 33 published patients."),
    Row("hemorrhage, mm³/yr", "hemorrhage", -12.4, 56.8, "Lu 2022; Rotterdam hemorrhage", rate("hemorrhage", bled,
        measured=True),
        published_n=98,
        why="by a few mm³ a year, of an SD of 57."),
    Row("still there, %", "hemorrhage", 94.0, None, "Rotterdam hemorrhage", holding("hemorrhage1", bled), True,
        published_n=53),
    Row("new hemorrhage, %/yr", PLAQUE, 4.9, None, "Pletsch-Borba 2018", incidence("hemorrhage"), True),
    Row("new core, %/yr", PLAQUE, 11.6, None, "Pletsch-Borba 2018", incidence("core"), True),
    Row("new calcification, %/yr", PLAQUE, 19.6, None, "Pletsch-Borba 2018", incidence("calcification"), True),
    Row("ECST stenosis, points/yr", "ECST of 50–99 %", 0.9, 1.9, "ACSRS",
        by_grades("ecst", between("ecst0", 50.0, 100.0)), published_n=1121,
        why="by a tenth of a point a year."),
    Row("stenosis that passes 50 %, per 100 years", PLAQUE, 2.9, None, "Singh 2020", crossings,
        why="by tenths: many arteries lie just below 50 %, and an error of 4 points carries some of them across."),
)  # fmt: skip
