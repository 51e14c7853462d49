"""The predictor as one thing: fitted on a cohort, kept as files, and asked for the forecast of one artery."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plaquecast.domain.change import FACTOR_MEASUREMENT, Factor
from plaquecast.domain.forecast import Forecast, ForecastMap
from plaquecast.domain.learning import BaselineArtery, FeatureTable, TargetTable
from plaquecast.domain.measurements import CATALOGUE
from plaquecast.domain.missing import Missing, Reason
from plaquecast.errors import InputError
from plaquecast.predict.card import FORMAT, PERCENTILES, make_card
from plaquecast.predict.factor_predictor import FactorPredictor, Outlook
from plaquecast.predict.features import at_horizon, feature_table
from plaquecast.predict.folds import patient_folds
from plaquecast.predict.local_growth import LocalGrowth
from plaquecast.predict.map_validation import LEAST_ARTERIES
from plaquecast.predict.models import MODELS, ModelKind
from plaquecast.predict.novelty import NoveltyGate
from plaquecast.predict.reasons import reasons
from plaquecast.predict.state import broken_model, files_below, read_state, write_state
from plaquecast.predict.tuning import Classroom, Tuned, choose, tune_all
from plaquecast.predict.validation import LEAST_PATIENTS, Validation
from plaquecast.predict.wall_inputs import ANGLES_DEGREES, POSITIONS_MM, WallHistory, thickness_grid
from plaquecast.settings import PredictSettings

CARD, NOVELTY, WALL = "card.json", "novelty.json", "wall.json"
UNITS = {entry.name: entry.unit for entry in CATALOGUE}


@dataclass(frozen=True, slots=True, eq=False)
class PredictorBundle:
    """A fitted predictor; `card` holds plain values, and `model_id` names the exact content."""

    card: Mapping[str, Any]
    factors: Mapping[Factor, FactorPredictor]
    novelty: NoveltyGate
    wall: LocalGrowth | None = None

    @property
    def model_id(self) -> str:
        """Name and hash of what predicts, kept with every forecast."""
        return str(self.card["model_id"])

    def forecast(self, artery: BaselineArtery, horizon_years: float) -> tuple[Forecast, ...]:
        """Forecast every factor of one artery over the next `horizon_years`, with interval, chances and reasons.

        An artery unlike those learned from gets no number, but why.

        Raises:
            InputError: if the horizon lies outside the intervals of training: nothing is extrapolated.
        """
        features = self._asked(artery, horizon_years)
        verdict = self.novelty.verdicts(features)[0]
        return tuple(self._forecast(factor, artery, features, horizon_years, verdict) for factor in Factor)

    def forecast_map(self, artery: BaselineArtery, horizon_years: float) -> ForecastMap | Missing:
        """Forecast where the wall of one artery will thicken over the next `horizon_years`, or say why not.

        Raises:
            InputError: if the horizon lies outside the intervals of training.
        """
        features = self._asked(artery, horizon_years)
        verdict = self.novelty.verdicts(features)[0]
        if verdict:
            return Missing(Reason.OUT_OF_COHORT, verdict)
        if self.wall is None or Factor.WALL_THICKENING not in self.factors:
            return Missing(Reason.NOT_APPLICABLE, f"fewer than {LEAST_ARTERIES} mapped walls were learned from")
        if artery.morphology.wall_map is None:
            return Missing(Reason.NOT_APPLICABLE, "this wall was not mapped")
        level = float(self.card["confidence_level"])
        thickness, years = thickness_grid(artery.morphology.wall_map)[None], np.array([horizon_years])
        growth = self.factors[Factor.WALL_THICKENING].outlook(features, level).expected
        value = self.wall.predict(thickness, growth)
        lower, upper = self.wall.interval(thickness, value, years)
        return ForecastMap(
            artery.side, horizon_years, level, POSITIONS_MM, ANGLES_DEGREES, value[0], lower[0], upper[0]
        )

    def refuse_horizon(self, horizon_years: float) -> None:
        """Let only horizons through that were learned from.

        Raises:
            InputError: if the horizon lies outside the intervals of training.
        """
        shortest, _, longest = self.card["interval_years"]
        if not shortest <= horizon_years <= longest:
            raise InputError(
                expected=f"a horizon of {shortest:.2f} to {longest:.2f} years, the intervals that were learned from",
                found=f"{horizon_years:g} years",
                where="horizon",
                remedy="Choose a horizon in this range, or train on patients who were seen further apart.",
                code="horizon",
            )

    def _asked(self, artery: BaselineArtery, horizon_years: float) -> FeatureTable:
        """The features of an artery at a horizon that was learned from."""
        self.refuse_horizon(horizon_years)
        features = at_horizon(feature_table([artery]), np.array([horizon_years]))
        if tuple(self.card["columns"]) != features.columns[: len(self.card["columns"])]:
            raise broken_model(CARD, "other features than this version makes")
        return features

    def percentile(self, factor: Factor, change_per_year: float) -> float:
        """Per cent of the changes measured in training that lie below this one, 0 to 100."""
        known = self.card["factors"][factor.value]["percentiles_per_year"]
        return float(np.interp(change_per_year, known, PERCENTILES))

    def _forecast(
        self, factor: Factor, artery: BaselineArtery, features: FeatureTable, horizon_years: float, verdict: str
    ) -> Forecast:
        missing = self._why_not(factor, artery, verdict)
        level = float(self.card["confidence_level"])
        if missing is not None:
            told = (verdict,) if verdict else ()
            size = self.factors[factor].calibration.n_patients if factor in self.factors else 0
            return Forecast(
                factor, artery.side, horizon_years, missing, missing, missing, level, missing, missing, missing,
                not verdict, size, self.model_id, told,
            )  # fmt: skip
        predictor = self.factors[factor]
        outlook = predictor.outlook(features, level)
        value, lower, upper, up, still, down = (float(getattr(outlook, name)[0]) for name in Outlook.__slots__)
        parts = predictor.model.contributions(features)[0]
        unit = UNITS[FACTOR_MEASUREMENT[factor]].replace("1", "")
        return Forecast(
            factor, artery.side, horizon_years, value, lower, upper, level, up, still, down, True,
            predictor.calibration.n_patients, self.model_id, reasons(features, parts, unit),
        )  # fmt: skip

    def _why_not(self, factor: Factor, artery: BaselineArtery, verdict: str) -> Missing | None:
        if verdict:
            return Missing(Reason.OUT_OF_COHORT, verdict)
        baseline = getattr(artery.morphology, FACTOR_MEASUREMENT[factor])
        if isinstance(baseline, Missing):
            return baseline
        if factor not in self.factors:
            return Missing(Reason.NOT_APPLICABLE, f"measured in fewer than {LEAST_PATIENTS} patients of training")
        return None

    def as_files(self) -> dict[str, bytes]:
        """The predictor as files, name to content; whoever stores them adds the hashes."""
        files = {NOVELTY: write_state(**self.novelty.as_state())}
        if self.wall is not None:
            files[WALL] = write_state(**self.wall.as_state())
        for factor, predictor in self.factors.items():
            files |= {f"factors/{factor.value}/{name}": content for name, content in predictor.as_files().items()}
        return {CARD: write_state(**self.card), **files}


def fit_bundle(
    arteries: Sequence[BaselineArtery],
    targets: TargetTable,
    settings: PredictSettings,
    origin: str,
    validation: Validation | None = None,
    kinds: Sequence[ModelKind] = MODELS,
    walls: WallHistory | None = None,
) -> PredictorBundle:
    """Learn every factor that was measured in enough patients; `origin` says in words whose data these are.

    With the maps of the same arteries in `walls`, where the wall thickens is learned too.

    Raises:
        InputError: if there are fewer patients than folds, or too few for intervals of the level asked for.
    """
    features = feature_table(arteries)
    needed = max(LEAST_PATIENTS, round(2.0 / (1.0 - settings.confidence_level)))
    timed = at_horizon(features, targets.interval_years)
    folds = patient_folds(timed, settings.outer_folds, settings.seed)
    room = Classroom.of(timed, targets, folds, settings.seed)
    tuned = {
        factor: choose(room, factor, tune_all(room, factor, kinds))
        for factor in Factor
        if _n_patients(features, targets, factor) >= needed
    }
    factors = {factor: FactorPredictor.of(room, targets, factor, best) for factor, best in tuned.items()}
    if not factors:
        raise InputError(
            expected=f"at least {needed} patients whose change was measured",
            found=f"{len(np.unique(features.patient_ids))} patients",
            where="training of the predictor",
            remedy="Bring more patients, or set predict.confidence_level lower.",
            code="too-few-patients",
        )
    chosen = {factor: predictor.kind for factor, predictor in factors.items()}
    card = make_card(features, targets, chosen, settings, origin, validation)
    wall = _fit_wall(walls, tuned, targets, settings.confidence_level)
    bundle = PredictorBundle(card, factors, NoveltyGate.of(timed, folds), wall)
    return replace(bundle, card={**card, "model_id": f"predictor {_digest(bundle)}"})


def load_bundle(files: Mapping[str, bytes]) -> PredictorBundle:
    """The predictor from its files (`as_files`); it forecasts the very same numbers.

    Raises:
        ModelError: if a file is missing, is not what it should be, or the predictor is of another format.
    """
    card = read_state(files, CARD)
    if card.get("format") != FORMAT:
        raise broken_model(CARD, f"format {card.get('format')!r} instead of {FORMAT!r}")
    try:
        factors = {
            Factor(name): FactorPredictor.from_files(files_below(files, f"factors/{name}/")) for name in card["factors"]
        }
        wall = LocalGrowth.from_state(read_state(files, WALL)) if WALL in files else None
        return PredictorBundle(card, factors, NoveltyGate.from_state(read_state(files, NOVELTY)), wall)
    except (KeyError, TypeError, ValueError) as problem:
        raise broken_model("predictor", f"{type(problem).__name__}: {problem}") from problem


def _fit_wall(
    walls: WallHistory | None, tuned: Mapping[Factor, Tuned], targets: TargetTable, level: float
) -> LocalGrowth | None:
    if walls is None or walls.n_arteries < LEAST_ARTERIES or Factor.WALL_THICKENING not in tuned:
        return None
    growth = tuned[Factor.WALL_THICKENING].out_of_fold
    return LocalGrowth.of(walls.thickness, growth, walls.thickening, targets.interval_years, level)


def _digest(bundle: PredictorBundle) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(bundle.as_files().items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]


def _n_patients(features: FeatureTable, targets: TargetTable, factor: Factor) -> int:
    return len(np.unique(features.patient_ids[np.isfinite(targets.values[factor])]))
