"""One scan: tissue to signal, coil, k-space with its artifacts, noise, and the image a scanner would show."""

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
    Matter.MUSCLE: 0.16,
    Matter.FAT: 0.22,
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
_BLOOD = (Matter.LUMEN, Matter.ECA_LUMEN, Matter.VEIN)
_BLOOMING_MM = 0.4


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

    `move` takes points of the scene (the reference image's space) to points of this image. Intensities are
    arbitrary: muscle near the arteries lies around the vendor's usual value times a gain of 0.7 to 1.4.
    """
    protocol = _as_set_up(PROTOCOLS[weighting], scanner)
    signal = code_signal(weighting, tissues, protocol, scanner, rng)
    bloomed = _bloom(scene) if protocol.readout is Readout.GRADIENT_ECHO else scene
    image = render(bloomed, signal, move.inverse(), grid)
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
    return Volume(grid, shown * np.float32(gain), weighting)


def _as_set_up(protocol: Protocol, scanner: Scanner) -> Protocol:
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
        drawn[[Matter.LUMEN, Matter.ECA_LUMEN]] = (drawn[Matter.WALL] + 0.5) % 1.0
    return drawn


def _bloom(scene: Scene) -> Scene:
    """The scene as a gradient echo sees it: calcification swollen by dephasing around it."""
    arteries: dict[Side, CodeMap] = {}
    for side, fine in scene.arteries.items():
        calcified = fine.matter == Matter.CALCIFICATION
        if calcified.any():
            steps = round(_BLOOMING_MM / fine.grid.spacing_mm[1])
            disc = np.hypot(*np.mgrid[-steps : steps + 1, -steps : steps + 1]) <= steps
            swollen = ndimage.binary_dilation(calcified, disc[None])
            codes = np.where(swollen, np.uint8(Matter.CALCIFICATION * N_SHADES + N_SHADES // 2), fine.codes)
            fine = CodeMap(fine.grid, codes)
        arteries[side] = fine
    return Scene(scene.neck, arteries)


def render(
    scene: Scene, signal: NDArray[np.float32], reference_from_image: RigidTransform, grid: Grid
) -> NDArray[np.float32]:
    """Mean signal per voxel of an axial `grid`, float32 of its shape, by looking up each layer of each slice."""
    per_slice = max(1, round(grid.slice_spacing_mm / LAYER_MM))
    offsets = (np.arange(per_slice) - (per_slice - 1) / 2) / per_slice
    image = np.zeros(grid.shape, dtype=np.float32)
    for k in range(grid.shape[0]):
        for offset in offsets:
            image[k] += _layer(scene, signal, reference_from_image, grid, k + offset)
    image /= np.float32(per_slice)
    return image


def _layer(
    scene: Scene, signal: NDArray[np.float32], to_reference: RigidTransform, grid: Grid, layer: float
) -> NDArray[np.float32]:
    rows, columns = np.arange(grid.shape[1]), np.arange(grid.shape[2])
    image = signal[_look_up(scene.neck, to_reference, grid, layer, rows, columns)]
    for fine in scene.arteries.values():
        row_range, column_range = _pixels_inside(fine.grid, to_reference, grid, layer)
        offsets = (np.arange(FINE_PER_PIXEL) - (FINE_PER_PIXEL - 1) / 2) / FINE_PER_PIXEL
        fine_rows = (np.arange(*row_range)[:, None] + offsets).ravel()
        fine_columns = (np.arange(*column_range)[:, None] + offsets).ravel()
        if len(fine_rows) and len(fine_columns):
            patch = signal[_look_up(fine, to_reference, grid, layer, fine_rows, fine_columns)]
            blocks = patch.reshape(len(fine_rows) // FINE_PER_PIXEL, FINE_PER_PIXEL, -1, FINE_PER_PIXEL)
            image[slice(*row_range), slice(*column_range)] = blocks.mean(axis=(1, 3))
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


def _pixels_inside(
    box: Grid, to_reference: RigidTransform, grid: Grid, layer: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Ranges of rows and columns of one layer that lie well inside a fine box even where the images are tilted."""
    corners = np.array([(0, i, j) for i in (0, box.shape[1] - 1) for j in (0, box.shape[2] - 1)], dtype=float)
    corners[:, 0] = (box.shape[0] - 1) / 2
    seen = grid.to_index(to_reference.inverse().apply(box.to_mm(corners)))
    low, high = np.sort(seen[:, 1])[1] + 2, np.sort(seen[:, 1])[2] - 2
    left, right = np.sort(seen[:, 2])[1] + 2, np.sort(seen[:, 2])[2] - 2
    rows = (max(0, int(np.ceil(low))), min(grid.shape[1], int(high)))
    columns = (max(0, int(np.ceil(left))), min(grid.shape[2], int(right)))
    return (rows if rows[1] > rows[0] else (0, 0)), (columns if columns[1] > columns[0] else (0, 0))


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
    for sign, weight in ((1.0, balance), (-1.0, 1.0 / balance)):
        for height, back in ((-18.0, -22.0), (18.0, 8.0)):
            center = (sign * rng.normal(62.0, 3.0), back + rng.normal(0.0, 3.0), height + rng.normal(0.0, 4.0))
            squared = (
                ((z - center[2]) ** 2)[:, None, None] + ((y - center[1]) ** 2)[None, :, None] + ((x - center[0]) ** 2)
            ).astype(np.float32)
            total += np.float32(weight) / (1.0 + squared / np.float32(scanner.coil_depth_mm**2))
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
    bright = np.float32(1.5 * np.percentile(image, 99)) if weighting is Weighting.TOF else None
    result = np.empty_like(image)
    for k, layer in enumerate(image):
        spectrum = kspace.acquire(layer, shape, grid.spacing_mm[1])
        if weighting is Weighting.TOF and bright is not None:
            vessels = np.maximum(layer - 0.5 * layer.max(), 0.0)
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
