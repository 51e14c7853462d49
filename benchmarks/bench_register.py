"""CPU seconds, memory and error of alignment, beside SimpleITK's usual rigid Mattes setting, one thread each."""

import resource
import time

import numpy as np
import SimpleITK as sitk  # noqa: N813
from benchmarks.register_truth import walls_of
from threadpoolctl import threadpool_limits

from plaquecast.domain.anatomy import Side, Weighting
from plaquecast.domain.grid import FloatArray
from plaquecast.domain.transform import RigidTransform
from plaquecast.domain.volume import Volume
from plaquecast.register.contrasts import align_visit
from plaquecast.register.rigid import prepare, register_rigid
from plaquecast.register.visits import align_visits
from plaquecast.settings import RegisterSettings, SimulateSettings
from plaquecast.simulate.cohort import simulate_patient

SETTINGS = RegisterSettings()


def ours(reference: Volume, other: Volume) -> RigidTransform:
    """One pair from nothing, images made ready included."""
    return register_rigid(prepare(reference, SETTINGS), prepare(other, SETTINGS))


def usual_simpleitk(reference: Volume, other: Volume) -> RigidTransform:
    """Rigid, 32 bins of Mattes, 10 % of the voxels, three levels, regular-step gradient descent."""
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(SETTINGS.histogram_bins)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.10, 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, 200, gradientMagnitudeTolerance=1e-6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    fixed, moving = _as_sitk(reference), _as_sitk(other)
    geometry = sitk.CenteredTransformInitializerFilter.GEOMETRY
    start = sitk.CenteredTransformInitializer(fixed, moving, sitk.Euler3DTransform(), geometry)
    method.SetInitialTransform(start, inPlace=False)
    found = method.Execute(fixed, moving)
    origin = np.array(found.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, 3] = origin
    for axis in range(3):
        matrix[:3, axis] = np.array(found.TransformPoint(np.eye(3)[axis].tolist())) - origin
    return RigidTransform(matrix)


def _as_sitk(volume: Volume) -> sitk.Image:
    image = sitk.GetImageFromArray(volume.array)
    spacing: FloatArray = np.array(volume.grid.spacing_mm)
    image.SetSpacing(spacing[::-1].tolist())
    image.SetOrigin(volume.grid.affine[:3, 3].tolist())
    image.SetDirection((volume.grid.affine[:3, :3] / spacing)[:, ::-1].ravel().tolist())
    return image


def main() -> None:
    """Print one line per weighting and method, then the whole work of one patient."""
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    patient = simulate_patient(0, 5, SimulateSettings())
    baseline, follow_up = patient.visits
    walls = walls_of(baseline)
    print("One simulated visit, weightings onto T1W; error at the walls of both carotids, mm.\n")
    print("| weighting | method | CPU s | across, median | across, 95th | along, median |")
    print("|---|---|---|---|---|---|")
    for weighting in (Weighting.T2W, Weighting.PDW, Weighting.TOF, Weighting.MPRAGE):
        for name, method in (("ours", ours), ("SimpleITK", usual_simpleitk)):
            start = time.process_time()
            found = method(baseline.visit.volumes[Weighting.T1W], baseline.visit.volumes[weighting])
            seconds = time.process_time() - start
            across, along = walls.errors_mm(found, baseline.transforms[weighting])
            numbers = (seconds, np.median(across), np.percentile(across, 95), np.median(along))
            print(f"| {weighting} | {name} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |", flush=True)
    start = time.process_time()
    first, second = (align_visit(visit.visit, SETTINGS) for visit in (baseline, follow_up))
    axes = {side: (baseline.truth[side].centerline, follow_up.truth[side].centerline) for side in Side}
    align_visits(first, second, axes, SETTINGS)
    seconds = time.process_time() - start
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nTwo visits of five weightings: {seconds:.1f} CPU s; peak of this whole script {gib:.2f} GiB.")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
