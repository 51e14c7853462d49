"""What prediction can do, on simulated patients: skill, null world, coverage, small cohorts, unlike patients.

Run `python benchmarks/accuracy_predict.py skill --patients 1000` (or null, coverage, small, novelty); every table says
on what data it stands. Simulated patients say nothing about how well patients of a clinic can be predicted.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.novel_patients import KINDS_OF_NOVELTY
from benchmarks.predict_cohorts import cohort, joined, rows_of

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import FeatureTable, TargetTable
from plaquecast.domain.missing import Missing
from plaquecast.predict.bundle import PredictorBundle, fit_bundle
from plaquecast.predict.features import at_horizon, column, feature_table
from plaquecast.predict.folds import patient_folds
from plaquecast.predict.intervals import Calibration
from plaquecast.predict.lessons import LEAST_ROWS
from plaquecast.predict.models import MODELS
from plaquecast.predict.scores import Estimate, net_benefit
from plaquecast.predict.tuning import Classroom, choose, tune_all
from plaquecast.predict.validation import CHOSEN, LEAST_PATIENTS, ORACLE, Validation, nested_validation
from plaquecast.settings import PredictSettings
from plaquecast.simulate.people import SimulatedTable

NAIVE = tuple(kind.name for kind in MODELS if kind.is_naive)
SETTINGS = PredictSettings(bootstrap_samples=500)


def main() -> None:
    """Run one section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", choices=list(SECTIONS))
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=2000)
    parser.add_argument("--cohorts", type=int, default=50)
    parser.add_argument("--keep", type=Path, default=None, help="folder in which simulated cohorts are kept")
    parser.add_argument("--lines", action="store_true", help="coverage without boosting: in a fraction of the time")
    options = parser.parse_args()
    SECTIONS[options.section](options)


def skill(options: argparse.Namespace) -> None:
    """R² on true change as a share of the oracle's and beside the reference fit, and against measured change."""
    table = cohort(options.patients, options.seed, keep=options.keep)
    features = feature_table(table.arteries)
    result = nested_validation(features, table.measured, SETTINGS, table.true, table.expected)
    reference = reference_fit(table, features)
    print(f"simulated patients: {options.patients}, world default, seed {options.seed}, published measurement error")
    print(
        "factor | R2 true oracle | share: chosen | reference fit | naive best | gain over best naive (95 %) | AUC share"
    )
    for factor in result.factors:
        oracle, chosen = (result.row(factor, name, "true") for name in (ORACLE, CHOSEN))
        ceiling = _value(oracle.scores.r2)
        best = max(_value(result.row(factor, name, "true").scores.r2) for name in NAIVE)
        known = np.isfinite(table.true.values[factor]) & np.isfinite(reference[factor])
        of_reference = _r2(reference[factor][known], table.true.values[factor][known]) / ceiling
        auc = [_value(row.scores.auc_fastest_quarter) - 0.5 for row in (chosen, oracle)]
        print(f"{factor.value:30s} | {ceiling:.3f} | {_value(chosen.scores.r2) / ceiling:.2f} | {of_reference:.2f}"
              f" | {best / ceiling:.2f} | {chosen.gain} | {auc[0] / auc[1]:.2f}")  # fmt: skip
    print(
        "\nagainst measured change; ceiling = reliability of measured change, which even a perfect forecast cannot pass"
    )
    print("factor | ceiling | oracle | chosen | gain over naive | MAE chosen | MAE naive | slope | Spearman | Holm p")
    _measured_table(result, table)


def holdout(options: argparse.Namespace) -> None:
    """Learn from many patients, score on 1000 fresh ones: the share of the oracle's R² on true change."""
    table = cohort(options.patients, options.seed, keep=options.keep)
    fresh = cohort(1000, options.seed + options.patients // 500, keep=options.keep)
    timed = at_horizon(feature_table(table.arteries), table.measured.interval_years)
    asked = at_horizon(feature_table(fresh.arteries), fresh.measured.interval_years)
    start = time.process_time()
    room = Classroom.of(timed, table.measured, patient_folds(timed, 3, 0), 0)
    print(f"simulated patients: learned from {options.patients}, seed {options.seed}; scored on 1000 fresh ones")
    print("factor | R2 true oracle | share: chosen | reference fit | population mean's R2 is 0 | kind")
    reference = reference_fit(fresh, feature_table(fresh.arteries), table)
    for factor in Factor:
        best = choose(room, factor, tune_all(room, factor, MODELS))
        truth = fresh.true.values[factor]
        known = np.isfinite(truth)
        ceiling = _r2(fresh.expected[factor][known], truth[known])
        share = _r2(best.model.predict(asked)[known], truth[known]) / ceiling
        also = known & np.isfinite(reference[factor])
        of_reference = _r2(reference[factor][also], truth[also]) / ceiling
        print(f"{factor.value:30s} | {ceiling:.3f} | {share:.2f} | {of_reference:.2f} | {best.kind.name}")
    print(f"{time.process_time() - start:.0f} s of CPU for choosing and fitting all factors")


def _measured_table(result: Validation, table: SimulatedTable) -> None:
    adjusted = _holm({factor: result.row(factor).gain for factor in result.factors})
    for factor in result.factors:
        values, error = table.measured.values[factor], table.measured.error_per_year[factor]
        ceiling = 1.0 - np.nanmean(np.where(np.isfinite(values), error**2, np.nan)) / np.nanvar(values)
        row, oracle = result.row(factor), result.row(factor, ORACLE)
        naive = min(_value(result.row(factor, name).scores.mae) for name in NAIVE)
        scores = row.scores
        print(f"{factor.value:30s} | {ceiling:.2f} | {oracle.scores.r2.value:.3f} | {scores.r2} | {row.gain}"
              f" | {scores.mae.value:.4g} | {naive:.4g} | {scores.calibration_slope} | {scores.spearman}"
              f" | {adjusted[factor]:.3f}")  # fmt: skip


def _holm(gains: dict[Factor, Estimate]) -> dict[Factor, float]:
    """Holm-adjusted p of a gain of zero or less, from the bootstrap interval read as normal."""
    from scipy.stats import norm

    raw = {}
    for factor, gain in gains.items():
        spread = max((_value(gain.high, 0.0) - _value(gain.low, 0.0)) / 3.92, 1e-12)
        raw[factor] = float(norm.sf(_value(gain.value, 0.0) / spread))
    adjusted, floor = {}, 0.0
    for rank, factor in enumerate(sorted(raw, key=lambda f: raw[f])):
        floor = max(floor, min(1.0, (len(raw) - rank) * raw[factor]))
        adjusted[factor] = floor
    return adjusted


def reference_fit(
    table: SimulatedTable, features: FeatureTable, learned: SimulatedTable | None = None
) -> dict[Factor, FloatArray]:
    """The simulator's own predictors, coefficients refitted by least squares on measured change.

    Among arteries with plaque (or the component) a line over what the simulator uses; the mean of the others. Out of
    fold, or learned from another cohort.
    """
    if learned is not None:
        both = joined([learned, table])
        n_learned = len(learned.arteries)
        split = [(np.arange(n_learned), np.arange(n_learned, len(both.arteries)))]
        of_both = _reference(both, feature_table(both.arteries), split)
        return {factor: values[n_learned:] for factor, values in of_both.items()}
    return _reference(table, features, list(patient_folds(features, SETTINGS.outer_folds, SETTINGS.seed).splits()))


def _reference(table: SimulatedTable, features: FeatureTable, splits: list) -> dict[Factor, FloatArray]:
    timed = at_horizon(features, table.measured.interval_years)
    used = ("age_years", "is_man", "smokes", "systolic_pressure_mmhg", "glucose_mmol_per_l", "heart_rate_bpm",
            "hypertension", "statin", "statin_response_share", "has_hemorrhage", "max_wall_thickness_mm")  # fmt: skip
    design = np.column_stack([_filled(column(timed, name)) for name in used])
    from plaquecast.predict.hurdle import COMPONENT_FACTORS, PRESENCE_OF

    result = {}
    for factor in Factor:
        present = column(timed, PRESENCE_OF.get(factor, "has_plaque")) == 1.0
        size = _filled(timed.values[:, timed.columns.index(_volume(factor))]) + 5.0
        rows = np.column_stack([design * size[:, None], size]) if factor in COMPONENT_FACTORS[1:] else design
        result[factor] = _least_squares(rows, table.measured.values[factor], present, splits)
    return result


def _volume(factor: Factor) -> str:
    from plaquecast.domain.change import FACTOR_MEASUREMENT

    return FACTOR_MEASUREMENT[factor]


def _least_squares(rows: FloatArray, change: FloatArray, present: np.ndarray, splits: list) -> FloatArray:
    from sklearn.linear_model import LinearRegression

    predicted = np.full(len(change), np.nan)
    for train, test in splits:
        for group in (present, ~present):
            learn, ask = train[np.isfinite(change[train]) & group[train]], test[group[test]]
            if len(learn) == 0 or len(ask) == 0:
                continue
            if group is present and len(learn) > LEAST_ROWS:
                predicted[ask] = LinearRegression().fit(rows[learn], change[learn]).predict(rows[ask])
            else:
                predicted[ask] = change[learn].mean()
    return predicted


def null(options: argparse.Namespace) -> None:
    """World `null`: data explain nothing; what is left against true change, and the structural null of measurement."""
    factors = (Factor.WALL_VOLUME, Factor.STENOSIS)
    settings = PredictSettings(bootstrap_samples=50)
    rows: dict[Factor, list[list[float]]] = {factor: [] for factor in factors}
    whole = [cohort(500, options.seed + k, "null", options.keep) for k in range((options.cohorts + 1) // 2)]
    for number in range(options.cohorts):
        half = np.arange(400) + 400 * (number % 2)
        table = rows_of(whole[number // 2], half)
        features = feature_table(table.arteries)
        result = nested_validation(features, table.measured, settings, table.true, factors=factors)
        for factor in factors:
            true, measured = result.row(factor, CHOSEN, "true").scores, result.row(factor).scores
            rows[factor].append([
                _value(true.r2), _value(true.auc_fastest_quarter), _value(measured.r2),
                structural_null(features, table.measured, factor),
                _value(result.row(factor, "baseline value only").scores.r2),
            ])  # fmt: skip
    print(f"simulated patients: {options.cohorts} cohorts of 200, world null")
    print("factor | R2 true mean (max) | AUC true mean (min to max) | R2 measured | structural null | baseline-only")
    for factor, values in rows.items():
        v = np.array(values)
        print(f"{factor.value:30s} | {v[:, 0].mean():.3f} ({v[:, 0].max():.3f}) | {v[:, 1].mean():.3f}"
              f" ({v[:, 1].min():.3f} to {v[:, 1].max():.3f}) | {v[:, 2].mean():.3f} | {v[:, 3].mean():.3f}"
              f" | {v[:, 4].mean():.3f}")  # fmt: skip


def structural_null(features: FeatureTable, targets: TargetTable, factor: Factor) -> float:
    """R² that measurement error alone gives the baseline value: slope −SEM² / Var(baseline), as if nothing changed."""
    baseline = column(features, _volume(factor))
    error = targets.error_per_year[factor] * targets.interval_years / np.sqrt(2.0)
    known = np.isfinite(targets.values[factor]) & np.isfinite(baseline)
    slope = np.mean(error[known] ** 2) / np.var(baseline[known])
    drift = slope * (baseline[known] - baseline[known].mean()) / targets.interval_years[known]
    return float(np.var(drift) / np.var(targets.values[factor][known]))


def coverage(options: argparse.Namespace) -> None:
    """Coverage and width of one fixed predictor over many cohorts of 20, by subgroup, and in world `shifted`."""
    table = cohort(options.patients, options.seed, keep=options.keep)
    kinds = [kind for kind in MODELS if not (options.lines and kind.name.endswith(("boosting", "trees")))]
    bundle = fit_bundle(table.arteries, table.measured, SETTINGS, "simulated patients", kinds=kinds)
    fresh = cohort(20 * options.cohorts, options.seed + options.patients // 500, keep=options.keep)
    shifted = cohort(500, 5000, "shifted", options.keep)
    rivals = _rival_calibrations(table)
    verdicts = bundle.novelty.verdicts(feature_table(shifted.arteries))
    print(f"simulated patients: learned from {options.patients} (seed {options.seed}); {options.cohorts} cohorts of 20")
    print(f"world shifted: {np.mean([bool(verdict) for verdict in verdicts]):.1%} of arteries out of cohort")
    print("factor | level | coverage, mean over cohorts (SE) | width / oracle's | / population mean's | worst subgroup"
          " | world shifted")  # fmt: skip
    for factor in bundle.factors:
        for level in (0.8, 0.9):
            _coverage_row(bundle, rivals, factor, fresh, shifted, level)
    _brier(bundle, fresh)


def _rival_calibrations(table: SimulatedTable) -> dict[str, dict[Factor, Calibration]]:
    timed = at_horizon(feature_table(table.arteries), table.measured.interval_years)
    fold = np.zeros(len(table.arteries), dtype=np.intp)
    rivals: dict[str, dict[Factor, Calibration]] = {"oracle": {}, "mean": {}}
    for factor in Factor:
        mean = np.full(len(fold), np.nanmean(table.measured.values[factor]))
        for name, predicted in (("oracle", np.nan_to_num(table.expected[factor])), ("mean", mean)):
            if np.isfinite(table.measured.values[factor]).sum() > 2 * LEAST_PATIENTS:
                rivals[name][factor] = Calibration.of(timed, table.measured, factor, predicted, fold)
    return rivals


def _coverage_row(
    bundle: PredictorBundle,
    rivals: dict[str, dict[Factor, Calibration]],
    factor: Factor,
    fresh: SimulatedTable,
    shifted: SimulatedTable,
    level: float,
) -> None:
    timed = at_horizon(feature_table(fresh.arteries), fresh.measured.interval_years)
    outlook = bundle.factors[factor].outlook(timed, level)
    measured = fresh.measured.values[factor]
    known = np.isfinite(measured)
    hit = (outlook.lower <= measured) & (measured <= outlook.upper)
    of_cohort = np.arange(len(hit)) // 40
    counted = [known & (of_cohort == k) for k in range(int(of_cohort.max()) + 1)]
    per_cohort = np.array([hit[rows].mean() for rows in counted if rows.any()])
    width = (outlook.upper - outlook.lower)[known].mean()
    ratios = []
    for name, predicted in (("oracle", np.nan_to_num(fresh.expected[factor])), ("mean", None)):
        rival = rivals[name][factor]
        if predicted is None:
            predicted = np.full(len(hit), float(bundle.card["factors"][factor.value]["mean_per_year"]))
        low, high = rival.interval(rival.likely_values(predicted[:, None], timed), timed, level)
        ratios.append(width / (high - low)[known].mean())
    groups = {name: hit[known & rows].mean() for name, rows in _subgroups(timed).items() if (known & rows).sum() >= 100}
    worst = max(groups, key=lambda name: abs(groups[name] - level))
    there = at_horizon(feature_table(shifted.arteries), shifted.measured.interval_years)
    other = bundle.factors[factor].outlook(there, level)
    seen = np.isfinite(shifted.measured.values[factor])
    moved = ((other.lower <= shifted.measured.values[factor]) & (shifted.measured.values[factor] <= other.upper))[seen]
    mean, error = per_cohort.mean(), per_cohort.std() / np.sqrt(len(per_cohort))
    print(f"{factor.value:30s} | {level:.0%} | {mean:.3f} ({error:.3f}) | {ratios[0]:.2f} | {ratios[1]:.2f}"
          f" | {worst} {groups[worst]:.3f} | {moved.mean():.3f}")  # fmt: skip


def _subgroups(features: FeatureTable) -> dict[str, np.ndarray]:
    years = column(features, "horizon_years")
    return {
        "women": column(features, "is_man") == 0.0, "men": column(features, "is_man") == 1.0,
        "statin": column(features, "statin") == 1.0, "no statin": column(features, "statin") == 0.0,
        "hemorrhage": column(features, "has_hemorrhage") == 1.0,
        "no hemorrhage": column(features, "has_hemorrhage") == 0.0,
        "interval below 1 year": years < 1.0, "interval over 2 years": years > 2.0,
        "something missing": np.isnan(features.values[:, :30]).any(axis=1),
    }  # fmt: skip


def _brier(bundle: PredictorBundle, table: SimulatedTable) -> None:
    """Brier score of the chance of progression beside that of its frequency, and the slope of outcome on chance."""
    timed = at_horizon(feature_table(table.arteries), table.measured.interval_years)
    print("\nprogression beyond the detectable: factor | frequency | Brier | of frequency | mean chance | slope")
    for factor, predictor in bundle.factors.items():
        change, error = table.measured.values[factor], table.measured.error_per_year[factor]
        known = np.isfinite(change)
        sign = -1.0 if factor is Factor.FIBROUS_CAP_THICKNESS else 1.0
        event = (sign * change > 1.96 * error)[known].astype(float)
        chance = predictor.outlook(timed, 0.9).p_progression[known]
        slope = np.polyfit(chance, event, 1)[0] if np.ptp(chance) > 0.0 else float("nan")
        print(f"{factor.value:30s} | {event.mean():.3f} | {np.mean((chance - event) ** 2):.4f} | {event.var():.4f}"
              f" | {chance.mean():.3f} | {slope:.2f}")  # fmt: skip
        everyone = np.ones(len(event))
        curve = (
            f"{t:.2f}: {net_benefit(chance, event > 0, t):+.3f} ({net_benefit(everyone, event > 0, t):+.3f})"
            for t in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
        )
        print("    net benefit at a threshold (of flagging everyone): " + ", ".join(curve))


def small(options: argparse.Namespace) -> None:
    """Cohorts of 30, 60 and 120 patients: MAE of the chosen model on fresh patients beside the naive models'."""
    test = cohort(1000, options.seed, keep=options.keep)
    pool = cohort(6000, options.seed + 2, keep=options.keep)
    timed = at_horizon(feature_table(pool.arteries), pool.measured.interval_years)
    asked = at_horizon(feature_table(test.arteries), test.measured.interval_years)
    patients = np.unique(timed.patient_ids)
    for n_patients in (30, 60, 120):
        order = np.random.default_rng(n_patients).permutation(patients)
        errors: dict[tuple[Factor, str], dict[str, list[float]]] = {}
        for number in range(options.cohorts):
            chosen = order[number * n_patients : (number + 1) * n_patients]
            rows = np.flatnonzero(np.isin(timed.patient_ids, chosen))
            _small_cohort(timed.rows(rows), pool.measured.rows(rows), asked, test, number, errors)
        print(f"\nsimulated patients: {options.cohorts} cohorts of {n_patients}; tested on 1000 others")
        print("factor | change | best naive | MAE chosen / best naive | how often naive was chosen")
        for (factor, against), of_model in errors.items():
            means = {name: float(np.mean(values)) for name, values in of_model.items()}
            best = min(NAIVE, key=lambda name: means[name])
            print(f"{factor.value:30s} | {against} | {best} | {means[CHOSEN] / means[best]:.3f} | {means['naive']:.2f}")


def _small_cohort(
    features: FeatureTable,
    targets: TargetTable,
    asked: FeatureTable,
    test: SimulatedTable,
    seed: int,
    errors: dict[tuple[Factor, str], dict[str, list[float]]],
) -> None:
    room = Classroom.of(features, targets, patient_folds(features, 5, seed), 0)
    for factor in Factor:
        if len(np.unique(features.patient_ids[np.isfinite(targets.values[factor])])) < LEAST_PATIENTS:
            continue
        tuned = tune_all(room, factor, MODELS)
        best = choose(room, factor, tuned)
        said = {entry.kind.name: entry.model.predict(asked) for entry in tuned if entry.kind.is_naive}
        said[CHOSEN] = best.model.predict(asked)
        for against, table in (("measured", test.measured), ("true", test.true)):
            known = np.isfinite(table.values[factor])
            into = errors.setdefault((factor, against), {})
            for name, predicted in said.items():
                into.setdefault(name, []).append(float(np.abs(predicted - table.values[factor])[known].mean()))
            into.setdefault("naive", []).append(float(best.kind.is_naive))


def novelty(options: argparse.Namespace) -> None:
    """Twelve kinds of patients that the predictor did not learn from, ten of each, and new ones like those it did."""
    table = cohort(options.patients, options.seed, keep=options.keep)
    bundle = fit_bundle(table.arteries, table.measured, replace(SETTINGS, outer_folds=3), "simulated patients")
    fresh = cohort(500, options.seed + options.patients // 500, keep=options.keep)
    flags = [bool(verdict) for verdict in bundle.novelty.verdicts(feature_table(fresh.arteries))]
    print(f"simulated patients: trained on {options.patients}; flagged of new ones: {_wilson(sum(flags), len(flags))}")
    total = 0
    usual = [artery for artery, flag in zip(fresh.arteries, flags, strict=True) if not flag][:10]
    for name, change in KINDS_OF_NOVELTY.items():
        verdicts = bundle.novelty.verdicts(feature_table([change(artery) for artery in usual]))
        total += sum(bool(verdict) for verdict in verdicts)
        example = next((verdict for verdict in verdicts if verdict), "")
        print(f"{name:45s} {sum(bool(v) for v in verdicts)}/10  {example[:70]}")
    print(f"flagged: {_wilson(total, 10 * len(KINDS_OF_NOVELTY))}")


def _wilson(hits: int, total: int) -> str:
    z, share = 1.96, hits / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return f"{hits}/{total} = {share:.1%} ({middle - half:.1%} to {middle + half:.1%})"


def _filled(values: FloatArray) -> FloatArray:
    return np.where(np.isnan(values), np.nanmean(values), values)


def _r2(predicted: FloatArray, change: FloatArray) -> float:
    return float(1.0 - np.mean((predicted - change) ** 2) / np.var(change))


def _value(estimate: Estimate | float | Missing, default: float = float("nan")) -> float:
    value = estimate.value if isinstance(estimate, Estimate) else estimate
    return default if isinstance(value, Missing) else float(value)


SECTIONS = {"skill": skill, "holdout": holdout, "null": null, "coverage": coverage, "small": small, "novelty": novelty}

if __name__ == "__main__":
    main()
