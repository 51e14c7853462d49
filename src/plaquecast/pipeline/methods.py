"""The methods text of a run, collected from what each step says of itself."""

import plaquecast
from plaquecast.change.factors import describe as describe_change
from plaquecast.measure.artery import describe as describe_measurement
from plaquecast.register.contrasts import describe as describe_alignment
from plaquecast.settings import Settings


def methods_text(segmentation: str, settings: Settings, two_visits: bool = True) -> tuple[str, ...]:
    """One paragraph per step, in the order in which they were taken; `segmentation` is the segmenter's own sentence."""
    return (
        f"Made by plaquecast {plaquecast.__version__}, for research use only; not a medical device.",
        describe_alignment(settings.register),
        segmentation,
        describe_measurement(settings.measure),
        *((describe_change(settings.change),) if two_visits else ()),
    )
