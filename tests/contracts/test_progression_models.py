"""Every model in the table keeps the contract: it fits, predicts, explains itself exactly and survives being stored."""

import numpy as np
import pytest
from tests.small_cohort import cohort

from plaquecast.domain.change import Factor
from plaquecast.domain.learning import FeatureTable
from plaquecast.errors import ModelError
from plaquecast.predict.contract import StoredModel
from plaquecast.predict.features import at_horizon, feature_table
from plaquecast.predict.lessons import lessons
from plaquecast.predict.models import MODELS, ModelKind

FACTORS = (Factor.WALL_VOLUME, Factor.STENOSIS, Factor.LIPID_RICH_NECROTIC_CORE, Factor.FIBROUS_CAP_THICKNESS)


def _features(n_patients: int = 40) -> FeatureTable:
    table = cohort(n_patients)
    return at_horizon(feature_table(table.arteries), table.measured.interval_years)


def _fitted(kind: ModelKind, factor: Factor) -> StoredModel:
    return kind.candidates(factor, 0)[-1].fit(_features(), lessons(_features(), cohort(40).measured)[factor])


def _factor_of(kind: ModelKind) -> Factor:
    return next(factor for factor in FACTORS if kind.candidates(factor, 0))


EACH = [(kind, factor) for kind in MODELS for factor in FACTORS if kind.candidates(factor, 0)]
NAMES = [f"{kind.name}-{factor.value}" for kind, factor in EACH]


@pytest.mark.parametrize(("kind", "factor"), EACH, ids=NAMES)
def test_predictions_are_finite_and_fitting_leaves_the_candidate_alone(kind: ModelKind, factor: Factor) -> None:
    candidate = kind.candidates(factor, 0)[-1]
    before = candidate.as_files()
    model = _fitted(kind, factor)
    predicted = model.predict(_features())
    assert predicted.shape == (80,)
    assert predicted.dtype == np.float64
    assert np.isfinite(predicted).all()
    assert model.name == kind.name
    assert model.factor is factor
    assert candidate.as_files() == before


@pytest.mark.parametrize(("kind", "factor"), EACH, ids=NAMES)
def test_contributions_sum_to_the_prediction(kind: ModelKind, factor: Factor) -> None:
    model, features = _fitted(kind, factor), _features()
    parts = model.contributions(features)
    assert parts.shape == (80, len(features.columns) + 1)
    scale = np.abs(parts).sum() / 80 + 1e-300
    assert np.abs(parts.sum(axis=1) - model.predict(features)).max() < 1e-9 * scale


@pytest.mark.parametrize(("kind", "factor"), EACH, ids=NAMES)
def test_a_stored_model_predicts_the_very_same_bits(kind: ModelKind, factor: Factor) -> None:
    model = _fitted(kind, factor)
    loaded = kind.type.from_files(model.as_files())
    assert np.array_equal(loaded.predict(_features()), model.predict(_features()))
    assert loaded.as_files() == model.as_files()


@pytest.mark.parametrize("kind", MODELS, ids=[kind.name for kind in MODELS])
def test_the_same_data_give_the_same_model(kind: ModelKind) -> None:
    assert _fitted(kind, _factor_of(kind)).as_files() == _fitted(kind, _factor_of(kind)).as_files()


@pytest.mark.parametrize("kind", MODELS, ids=[kind.name for kind in MODELS])
def test_a_row_is_predicted_alike_alone_and_among_others(kind: ModelKind) -> None:
    model, features = _fitted(kind, _factor_of(kind)), _features()
    alone = np.concatenate([model.predict(features.rows(np.array([i]))) for i in range(10)])
    assert np.allclose(alone, model.predict(features)[:10], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", MODELS, ids=[kind.name for kind in MODELS])
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"factor": "age"}', b"\x80\x04pickle"])
def test_what_is_no_model_is_refused(kind: ModelKind, content: bytes) -> None:
    with pytest.raises((ModelError, KeyError, ValueError)):
        kind.type.from_files({"model.json": content})


@pytest.mark.parametrize("kind", MODELS, ids=[kind.name for kind in MODELS])
def test_one_empty_or_constant_column_does_no_harm(kind: ModelKind) -> None:
    features = _features()
    values = features.values.copy()
    values[:, features.columns.index("age_years")] = np.nan
    values[:, features.columns.index("heart_rate_bpm")] = 70.0
    blank = FeatureTable(features.patient_ids, features.sides, features.columns, values)
    factor = _factor_of(kind)
    model = kind.candidates(factor, 0)[0].fit(blank, lessons(blank, cohort(40).measured)[factor])
    assert np.isfinite(model.predict(blank)).all()
