"""The deep multimodal network: wall maps and structured data in, every change factor and the map of thickening out.

It needs many arteries with maps; whether it beats the plain models on a cohort is for the validation to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from plaquecast.domain.change import Factor
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.learning import TargetTable
from plaquecast.predict.linear import moments
from plaquecast.predict.state import STATE, broken_model, read_state, write_state
from plaquecast.predict.wall_inputs import N_LAYERS, WallInputs

FACTORS = tuple(Factor)
WEIGHTS = "network.safetensors"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the network is trained; chosen on simulated patients other than those it is scored on."""

    width: int = 16
    epochs: int = 30
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    dropout: float = 0.3
    map_weight: float = 1.0
    uses_maps: bool = True
    uses_features: bool = True
    seed: int = 0


class _Network(nn.Module):
    """A small convolutional path over the wall (closed around the angle), a path over the features, and three heads."""

    def __init__(self, n_features: int, recipe: Recipe) -> None:
        super().__init__()
        width = recipe.width
        self.uses_maps, self.uses_features = recipe.uses_maps, recipe.uses_features
        self.first, self.second, self.third = (
            _Ring(N_LAYERS, width), _Ring(width, width), _Ring(width, 2 * width),
        )  # fmt: skip
        self.pool = nn.AvgPool2d(2)
        self.embed = nn.Sequential(nn.Linear(n_features, 2 * width), nn.GELU(), nn.Dropout(recipe.dropout))
        self.fuse = nn.Sequential(nn.Linear(6 * width, 2 * width), nn.GELU(), nn.Dropout(recipe.dropout))
        self.mean, self.spread = nn.Linear(2 * width, len(FACTORS)), nn.Linear(2 * width, len(FACTORS))
        self.local = nn.Sequential(_Ring(3 * width, width), nn.Conv2d(width, 1, 1))
        for parameter in self.local[1].parameters():  # training sets out from "no local change"
            nn.init.zeros_(parameter)

    def forward(self, maps: Tensor, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means and log variances (n, factors) in SDs of each factor, and the map of thickening (n, 16, 36), mm/yr."""
        features = features if self.uses_features else torch.zeros_like(features)
        fine = self.second(self.first(maps))
        if not self.uses_maps:  # emptied here, for the mean and SD of an empty map would be no scale to divide by
            fine = torch.zeros_like(fine)
        coarse = self.third(self.pool(fine)) if self.uses_maps else self.pool(fine).repeat(1, 2, 1, 1)
        summary = torch.cat([coarse.mean(dim=(2, 3)), coarse.amax(dim=(2, 3)), self.embed(features)], dim=1)
        fused = self.fuse(summary)
        spread_out = fused[:, :, None, None].expand(-1, -1, *fine.shape[2:])
        local = self.local(torch.cat([fine, spread_out], dim=1))[:, 0]
        return self.mean(fused), self.spread(fused).clamp(-5.0, 3.0), local


class _Ring(nn.Module):
    """A 3 × 3 convolution that is closed around the wall and repeats the ends along it."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(n_in, n_out, 3)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, maps: Tensor) -> Tensor:
        around = nn.functional.pad(maps, (1, 1, 0, 0), mode="circular")
        closed = nn.functional.pad(around, (0, 0, 1, 1), mode="replicate")
        return nn.functional.gelu(self.norm(self.convolution(closed)))


@dataclass(frozen=True, slots=True, eq=False)
class DeepForecast:
    """Forecasts of n arteries: `expected` and its SD `spread` (n, factors) per year, `thickening` (n, 16, 36) mm/yr."""

    expected: FloatArray
    spread: FloatArray
    thickening: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class DeepModel:
    """A trained network with the scales of its inputs and outputs."""

    network: _Network
    recipe: Recipe
    center: FloatArray
    scale: FloatArray
    target_mean: FloatArray
    target_sd: FloatArray

    def predict(self, inputs: WallInputs) -> DeepForecast:
        """Forecast every factor and the map for each artery, at the horizon that the features carry."""
        self.network.eval()
        with torch.no_grad():
            mean, log_variance, local = self.network(*_tensors(inputs, self.center, self.scale))
        expected = self.target_mean + self.target_sd * mean.numpy().astype(np.float64)
        spread = self.target_sd * np.exp(0.5 * log_variance.numpy().astype(np.float64))
        return DeepForecast(expected, spread, local.numpy().astype(np.float64))

    def as_files(self) -> Mapping[str, bytes]:
        """Weights as safetensors, the rest as JSON."""
        recipe = {name: getattr(self.recipe, name) for name in Recipe.__slots__}
        state = write_state(
            recipe=recipe, center=self.center, scale=self.scale, target_mean=self.target_mean, target_sd=self.target_sd
        )
        return {STATE: state, WEIGHTS: save(self.network.state_dict())}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model from its files; it predicts the very same numbers.

        Raises:
            ModelError: if a file is missing or does not fit.
        """
        state = read_state(files)
        try:
            arrays = {name: np.array(state[name], float) for name in ("center", "scale", "target_mean", "target_sd")}
            recipe = Recipe(**state["recipe"])
            network = _Network(len(arrays["center"]), recipe)
            network.load_state_dict(load(files[WEIGHTS]))
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as problem:
            raise broken_model(WEIGHTS, f"{type(problem).__name__}: {problem}") from problem
        return cls(network, recipe, **arrays)


def fit_deep(
    inputs: WallInputs, targets: TargetTable, thickening: NDArray[np.float32], recipe: Recipe = Recipe()
) -> DeepModel:
    """Train on n arteries; `thickening` (n, 16, 36), mm/yr, is the measured map of change, NaN where not covered.

    The loss of each factor is Gaussian with a variance that is learned plus the known one of its measurement error;
    what was not measured does not count. Same data and recipe give the same network on the same number of threads.
    """
    torch.manual_seed(recipe.seed)
    center, scale = moments(inputs.features.values)
    values = np.column_stack([targets.values[factor] for factor in FACTORS])
    target_mean, target_sd = moments(values)
    errors = np.column_stack([np.nan_to_num(targets.error_per_year[factor]) for factor in FACTORS]) / target_sd
    wanted = _float((values - target_mean) / target_sd)
    noise, local = _float(errors**2), _float(thickening)
    maps, features = _tensors(inputs, center, scale)
    network = _Network(features.shape[1], recipe)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    n_steps = recipe.epochs * -(-len(maps) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=n_steps)
    network.train()
    for _ in range(recipe.epochs):
        for batch in torch.randperm(len(maps)).split(recipe.batch):
            mean, log_variance, told = network(maps[batch], features[batch])
            loss = _factor_loss(mean, log_variance, wanted[batch], noise[batch])
            loss = loss + recipe.map_weight * _map_loss(told, local[batch])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return DeepModel(network, recipe, center, scale, target_mean, target_sd)


def _factor_loss(mean: Tensor, log_variance: Tensor, wanted: Tensor, noise: Tensor) -> Tensor:
    known = torch.isfinite(wanted)
    variance = torch.exp(log_variance) + noise
    squared = (torch.where(known, wanted, torch.zeros_like(wanted)) - mean) ** 2
    loss = 0.5 * (squared / variance + torch.log(variance))
    return loss[known].mean()


def _map_loss(told: Tensor, local: Tensor) -> Tensor:
    known = torch.isfinite(local)
    if not bool(known.any()):
        return told.sum() * 0.0
    scale = local[known].std().clamp(min=1e-3)
    return nn.functional.smooth_l1_loss(told[known] / scale, local[known] / scale)


def _tensors(inputs: WallInputs, center: FloatArray, scale: FloatArray) -> tuple[Tensor, Tensor]:
    scaled = np.nan_to_num((inputs.features.values - center) / scale).clip(-5.0, 5.0)
    return torch.from_numpy(np.ascontiguousarray(inputs.maps)), _float(scaled)


def _float(values: Any) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
