"""One scan: tissue to signal, coil, k-space with its artifacts, noise, and the image a scanner would show."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.grid import FloatArray, Grid
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume
from plaquecast.simulate import kspace
from plaquecast.simulate.neck import N_SHADES
from plaquecast.simulate.scanner import Scanner
from plaquecast.simulate.scene import FINE_PER_PIXEL, LAYER_MM, CodeMap, Scene
from plaquecast.simulate.signal import (
    PROTOCOLS,
    Protocol,
    Readout,
    TissueValues,
    matter_signal,
    spin_echo,
)
from plaquecast.simulate.tissues import Matter

_TEXTURE = {
    Matter.MUSCLE: 0.25,
    Matter.FAT: 0.3,
    Matter.GLAND: 0.16,
    Matter.BONE_MARROW: 0.25,
    Matter.SKIN: 0.2,
    Matter.LYMPH_NODE: 0.1,
    Matter.CARTILAGE: 0.25,
    Matter.LIPID_RICH_NECROTIC_CORE: 0.15,
    Matter.HEMORRHAGE_TYPE_I: 0.25,
    Matter.HEMORRHAGE_TYPE_II: 0.25,
    Matter.LOOSE_MATRIX: 0.15,
    Matter.CORD: 0.05,
}
_ARTERIAL = (Matter.LUMEN, Matter.ECA_LUMEN)
_BLOOD = (*_ARTERIAL, Matter.VEIN)
_BLOOMING_MM = 0.4
_LARGEST_SHOWN = 32_000.0
"""Scanners show whole numbers of 16 bits, and set their gain so that they suffice."""


def scan(
    scene: Scene,
    weighting: Weighting,
    tissues: TissueValues,
    scanner: Scanner,
    move: RigidTransform,
    grid: Grid,
    rng: np.random.Generator,
) -> Volume:
    """Acquire one weighting on the shown `grid`.

    `move` takes points of the scene (the reference image's space) to points of this image. Intensities are whole
    numbers in arbitrary units: muscle near the arteries lies around the vendor's usual value times a gain of 0.7–1.4.
    """
    protocol = as_set_up(PROTOCOLS[weighting], scanner)
    signal = code_signal(weighting, tissues, protocol, scanner, rng)
    bloomed = _bloom(scene) if protocol.readout is Readout.GRADIENT_ECHO else scene
    image = render(bloomed, signal, move, grid)
    if weighting is Weighting.TOF:
        image *= _inflow_saturation(grid)[:, None, None]
    coil = coil_sensitivity(scanner, grid, rng)
    image *= coil
    wall = abs(float(signal[Matter.WALL * N_SHADES + N_SHADES // 2]))
    at_arteries = float(coil[coil.shape[0] // 2, coil.shape[1] // 2 - coil.shape[1] // 10, :].mean())
    sd = wall * at_arteries / scanner.draw_wall_snr(rng, weighting)
    shown = _through_kspace(image, weighting, protocol, scanner, grid, sd, rng)
    shown /= np.power(coil, np.float32(scanner.shading_removed)) * np.float32(
        at_arteries ** (1 - scanner.shading_removed)
    )
    muscle = max(abs(float(signal[Matter.MUSCLE * N_SHADES + N_SHADES // 2])), 1e-3)
    gain = scanner.muscle_intensity * rng.uniform(0.7, 1.4) / muscle
    gain = min(gain, _LARGEST_SHOWN / max(float(np.abs(shown).max()), 1e-6))
    return Volume(grid, np.rint(shown * np.float32(gain)), weighting)


def as_set_up(protocol: Protocol, scanner: Scanner) -> Protocol:
    """The published protocol as another site would run it: repetition and echo times stretched."""
    share = scanner.timing_share
    return replace(protocol, repetition_ms=protocol.repetition_ms * share, echo_ms=protocol.echo_ms * share)


def code_signal(
    weighting: Weighting, tissues: TissueValues, protocol: Protocol, scanner: Scanner, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Signal of each code (matter × shade), float32 (256,): texture in solid matter, slowness in blood."""
    base = matter_signal(weighting, tissues, protocol)
    still = spin_echo(tissues, protocol.repetition_ms, protocol.echo_ms)
    if scanner.random_contrast:
        base = _random_contrast(rng, base)
    base[Matter.FAT] *= rng.uniform(0.6, 1.6) if protocol.fat_share < 1.0 else 1.0
    shade = np.arange(N_SHADES)
    lut = np.zeros(256)
    for matter in Matter:
        swing = _TEXTURE.get(matter, 0.06) * (shade - (N_SHADES - 1) / 2) / ((N_SHADES - 1) / 2)
        values = base[matter] * (1.0 + swing)
        slow = shade / (N_SHADES - 1)
        if matter in _BLOOD and protocol.readout is Readout.SPIN_ECHO and not scanner.random_contrast:
            values = base[matter] + 0.45 * still[Matter.LUMEN] * (slow if matter is not Matter.VEIN else 0.25 * slow)
        elif matter in _BLOOD and protocol.readout is Readout.GRADIENT_ECHO:
            values = base[matter] * (1.0 - 0.5 * slow)
        lut[matter * N_SHADES : (matter + 1) * N_SHADES] = values
    return lut.astype(np.float32)


def _random_contrast(rng: np.random.Generator, base: FloatArray) -> FloatArray:
    """Intensities without physics, air still dark: what a network sees that must not depend on a scanner."""
    drawn = rng.uniform(0.05, 1.0, len(base))
    drawn[base == 0.0] = 0.0
    for same in ((Matter.LUMEN, Matter.ECA_LUMEN), (Matter.WALL, Matter.ECA_WALL)):
        drawn[same[1]] = drawn[same[0]]
    if abs(drawn[Matter.LUMEN] - drawn[Matter.WALL]) < 0.15:
        drawn[list(_ARTERIAL)] = (drawn[Matter.WALL] + 0.5) % 1.0
    return drawn


def _bloom(scene: Scene) -> Scene:
    """The scene as a gradient echo sees it: calcification swollen by dephasing around it."""
    arteries: dict[Side, CodeMap] = {}
    for side, fine in scene.arteries.items():
        calcified = fine.matter == Matter.CALCIFICATION
        for box in ndimage.find_objects(calcified.astype(np.uint8)):
            steps = round(_BLOOMING_MM / fine.grid.spacing_mm[1])
            disc = np.hypot(*np.mgrid[-steps : steps + 1, -steps : steps + 1]) <= steps
            rows, columns = (slice(max(part.start - steps, 0), part.stop + steps) for part in box[1:])
            swollen = np.asarray(ndimage.binary_dilation(calcified[box[0], rows, columns], disc[None]), dtype=np.bool_)
            codes = fine.codes.copy()
            codes[box[0], rows, columns][swollen] = Matter.CALCIFICATION * N_SHADES + N_SHADES // 2
            fine = CodeMap(fine.grid, codes)
        arteries[side] = fine
    return Scene(scene.neck, arteries)


def render(
    scene: Scene, signal: NDArray[np.float32], image_from_reference: RigidTransform, grid: Grid
) -> NDArray[np.float32]:
    """Mean signal per voxel of an axial `grid`, float32 of its shape, by looking up each layer of each slice."""
    per_slice = max(1, round(grid.slice_spacing_mm / LAYER_MM))
    offsets = (np.arange(per_slice) - (per_slice - 1) / 2) / per_slice
    windows = {side: _window(fine.grid, image_from_reference, grid) for side, fine in scene.arteries.items()}
    to_reference = image_from_reference.inverse()
    image = np.zeros(grid.shape, dtype=np.float32)
    for k in range(grid.shape[0]):
        for offset in offsets:
            image[k] += _layer(scene, signal, to_reference, grid, windows, k + offset)
    image /= np.float32(per_slice)
    return image


def _layer(
    scene: Scene,
    signal: NDArray[np.float32],
    to_reference: RigidTransform,
    grid: Grid,
    windows: Mapping[Side, tuple[slice, slice]],
    layer: float,
) -> NDArray[np.float32]:
    rows, columns = np.arange(grid.shape[1], dtype=np.float64), np.arange(grid.shape[2], dtype=np.float64)
    image = signal[_look_up(scene.neck, to_reference, grid, layer, rows, columns)]
    offsets = (np.arange(FINE_PER_PIXEL) - (FINE_PER_PIXEL - 1) / 2) / FINE_PER_PIXEL
    for side, fine in scene.arteries.items():
        window = windows[side]
        fine_rows, fine_columns = ((np.arange(part.start, part.stop)[:, None] + offsets).ravel() for part in window)
        patch = signal[_look_up(fine, to_reference, grid, layer, fine_rows, fine_columns)]
        parts = [patch[i::FINE_PER_PIXEL, j::FINE_PER_PIXEL] for i, j in np.ndindex(FINE_PER_PIXEL, FINE_PER_PIXEL)]
        image[window] = sum(parts) / np.float32(len(parts))
    return image


def _look_up(
    codes: CodeMap, to_reference: RigidTransform, grid: Grid, layer: float, rows: FloatArray, columns: FloatArray
) -> NDArray[np.uint8]:
    """Codes at (rows × columns) of one layer of `grid`, nearest neighbor, held constant beyond the map's edge."""
    matrix = np.linalg.inv(codes.grid.affine) @ to_reference.matrix_mm @ grid.affine
    flat: NDArray[np.int32] | None = None
    for axis, n in enumerate(codes.grid.shape):
        by_row = (matrix[axis, 0] * layer + matrix[axis, 1] * rows + matrix[axis, 3]).astype(np.float32)
        position = by_row[:, None] + (matrix[axis, 2] * columns).astype(np.float32)
        index = np.clip(np.rint(position, out=position), 0, n - 1, out=position).astype(np.int32)
        flat = index if flat is None else flat * np.int32(n) + index
    assert flat is not None
    return codes.codes.ravel()[flat]


def _window(box: Grid, image_from_reference: RigidTransform, grid: Grid) -> tuple[slice, slice]:
    """Rows and columns of `grid` that lie inside a fine box in every layer, even where the images are tilted."""
    corners = np.array([(k, i, j) for k in (0, 1) for i in (0, 1) for j in (0, 1)]) * (np.array(box.shape) - 1)
    seen = grid.to_index(image_from_reference.apply(box.to_mm(corners))).reshape(2, 2, 2, 3)
    first = np.ceil([seen[:, 0, :, 1].max(), seen[:, :, 0, 2].max()]).astype(int) + 1
    last = np.floor([seen[:, 1, :, 1].min(), seen[:, :, 1, 2].min()]).astype(int)
    first, last = np.maximum(first, 0), np.minimum(last, grid.shape[1:])
    return slice(int(first[0]), max(int(first[0]), int(last[0]))), slice(
        int(first[1]), max(int(first[1]), int(last[1]))
    )


def _inflow_saturation(grid: Grid) -> NDArray[np.float32]:
    """Loss of everything towards the top of the slab as blood and slab profile fade, float32 (slices,)."""
    depth = np.linspace(0.0, 1.0, grid.shape[0])
    return (1.0 - 0.18 * depth - 0.25 * np.exp(-depth / 0.06) - 0.25 * np.exp(-(1 - depth) / 0.06)).astype(np.float32)


def coil_sensitivity(scanner: Scanner, grid: Grid, rng: np.random.Generator) -> NDArray[np.float32]:
    """Receive sensitivity of two phased pairs at the sides of the neck, float32 of the grid's shape, mean 1."""
    n, rows, columns = grid.shape
    middle = grid.to_mm(((n - 1) / 2, (rows - 1) / 2, (columns - 1) / 2))
    x = grid.to_mm(np.stack([np.zeros(columns), np.zeros(columns), np.arange(columns)], axis=-1))[:, 0] - middle[0]
    y = grid.to_mm(np.stack([np.zeros(rows), np.arange(rows), np.zeros(rows)], axis=-1))[:, 1] - middle[1]
    z = grid.to_mm(np.stack([np.arange(n), np.zeros(n), np.zeros(n)], axis=-1))[:, 2] - middle[2]
    total = np.full((n, rows, columns), 0.12, dtype=np.float32)
    balance = float(np.clip(rng.normal(1.0, 0.12), 0.75, 1.3))
    depth = np.float32(scanner.coil_depth_mm**2)
    for sign, weight in ((1.0, balance), (-1.0, 1.0 / balance)):
        for height, back in ((-18.0, -22.0), (18.0, 8.0)):
            center = (sign * rng.normal(62.0, 3.0), back + rng.normal(0.0, 3.0), height + rng.normal(0.0, 4.0))
            in_plane = (((y - center[1]) ** 2)[:, None] + (x - center[0]) ** 2).astype(np.float32)
            in_plane += depth
            for k, layer in enumerate(total):
                layer += np.float32(weight) * depth / (in_plane + np.float32((z[k] - center[2]) ** 2))
    return total / total.mean()


def _through_kspace(
    image: NDArray[np.float32],
    weighting: Weighting,
    protocol: Protocol,
    scanner: Scanner,
    grid: Grid,
    sd: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Truncate, blur, disturb, add noise, zero-fill, and take the magnitude (the real part for SNAP)."""
    shown_shape = (grid.shape[1], grid.shape[2])
    shape = (shown_shape[0] // 2, shown_shape[1] // 2)
    lines = _line_factors(protocol, scanner, shape[0], grid.spacing_mm[1] * 2, rng)
    columns = kspace.edge_filter(shape[1], scanner.edge_filter)
    pulse = kspace.pulsation(rng, shape[0], float(rng.uniform(0.02, 0.12)) * scanner.artifact_share)
    result = np.empty_like(image)
    for k, layer in enumerate(image):
        spectrum = kspace.acquire(layer, shape, grid.spacing_mm[1])
        if weighting is Weighting.TOF:
            # Only arterial blood is that bright on this weighting.
            vessels = np.maximum(layer - np.float32(0.5) * layer.max(), np.float32(0.0))
            spectrum += kspace.acquire(vessels, shape, grid.spacing_mm[1]) * (pulse - 1)[:, None]
        spectrum = (spectrum * lines[:, None] + kspace.noise(rng, shape, sd)) * columns
        shown = kspace.show(spectrum, shown_shape)
        result[k] = shown.real if weighting is Weighting.SNAP else np.abs(shown)
    return result


def _line_factors(
    protocol: Protocol, scanner: Scanner, n_lines: int, pixel_mm: float, rng: np.random.Generator
) -> NDArray[np.complex64]:
    """Factor of each phase-encoding line: T2 decay along the echo train, the vendor's filter, swallowing."""
    factors = kspace.echo_decay(n_lines, protocol.echo_train_ms, 60.0) * kspace.edge_filter(
        n_lines, scanner.edge_filter
    )
    factors = factors.astype(np.complex64)
    if rng.random() < min(0.9, 0.25 * scanner.artifact_share):
        shift, share = rng.uniform(0.5, 1.2 * scanner.artifact_share), rng.uniform(0.03, 0.08) * scanner.artifact_share
        factors = factors * kspace.swallow(rng, n_lines, pixel_mm, float(shift), float(share))
    return factors
