"""A patient whose every text, date and identifier is a canary: none may be seen on the other side of the door."""

from collections.abc import Sequence as Several
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.config import disable_value_validation
from pydicom.datadict import DicomDictionary, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from tests.dicom_files import picture, write_series
from tests.dicom_study import AFFINE

from plaquecast.domain.grid import FloatArray

Image = tuple[NDArray[np.uint16], FloatArray]
"""Voxels (slices, rows, columns), and where they lie."""

PICTURES: Several[Image] = [(picture((12, 60, 60), visit), AFFINE) for visit in (0, 1)]

TEXT = ("AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
NEEDED = frozenset({
    "SOPClassUID", "SOPInstanceUID", "Modality", "SpecificCharacterSet", "SeriesInstanceUID", "StudyInstanceUID",
    "PatientSex", "PatientBirthDate", "StudyDate", "AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "ImageType",
    "FrameType", "ScanningSequence", "SequenceVariant", "ComplexImageComponent", "PhotometricInterpretation",
    "LossyImageCompression", "BurnedInAnnotation", "MRAcquisitionType", "SeriesDescription", "StackID",
    "DiffusionDirectionality", "FrameOfReferenceUID", "PixelPresentation", "MediaStorageSOPClassUID",
    "TransferSyntaxUID", "MediaStorageSOPInstanceUID", "PresentationLUTShape", "RescaleType", "ProtocolName",
})  # fmt: skip
"""What the images cannot be read without, or what has its own canary below."""


def canary(number: int) -> str:
    """A text of 10 signs that stands nowhere else; group elements keep it within the shortest text types."""
    return f"CANARY{number:04d}"


class CanaryPatient:
    """Writes the patient's scans and remembers every canary."""

    def __init__(self) -> None:
        self.canaries: list[str] = []

    def next(self) -> str:
        """A new canary."""
        self.canaries.append(canary(len(self.canaries)))
        return self.canaries[-1]

    def write(self, folder: Path, images: Several[Image] = PICTURES) -> None:
        """Two visits of one T1W series each, in a folder and in files that are named after the patient."""
        texts = self._attributes()
        for visit, (day, image) in enumerate(zip(("20200301", "20220305"), images, strict=True)):
            tags: dict[str, Any] = {
                "PatientID": "CANARYID", "PatientName": "CANARYNAME^X", "PatientBirthDate": "19370511",
                "StudyDate": day, "StudyInstanceUID": f"1.2.999{visit}.77777",
                "SeriesInstanceUID": f"1.2.999{visit}.88888",
                "SeriesDescription": "t1_tse CANARYDESC", "ProtocolName": "CANARYPROT", "Manufacturer": "CANARYMAKER",
            }  # fmt: skip
            place = folder / "CANARYFOLDER" / f"CANARYVISIT{visit}"
            write_series(place, *image, tags, lambda dataset, _: self._fill(dataset, texts))
            for number, path in enumerate(sorted(place.iterdir())):
                content = path.read_bytes()
                path.write_bytes(b"CANARYPREAMBLE".ljust(128, b"\0") + content[128:])
                path.rename(path.with_name(f"CANARYFILE{number:02d}.dcm"))
        self.canaries += [
            "CANARYID", "CANARYNAME", "CANARYDESC", "CANARYPROT", "CANARYMAKER", "CANARYFOLDER", "CANARYVISIT",
            "CANARYPREAMBLE", "CANARYFILE", "77777", "88888", "19370511", "1937-05-11", "20200301", "2020-03-01",
            "20220305", "2022-03-05",
        ]  # fmt: skip

    def _attributes(self) -> dict[str, str]:
        """A canary for every text attribute of the standard that a data set may carry."""
        found = {}
        for tag, (vr, _, _, retired, keyword) in sorted(DicomDictionary.items()):
            if keyword and keyword not in NEEDED and not retired and vr in TEXT and 0x0008 <= tag >> 16 < 0x5400:
                found[keyword] = self.next()
        return found

    def _fill(self, dataset: Dataset, texts: dict[str, str]) -> None:
        for keyword, text in texts.items():
            if keyword not in dataset:
                setattr(dataset, keyword, text[:4] if DicomDictionary[_tag(keyword)][0] == "AS" else text)
        nested = Dataset()
        with disable_value_validation():
            nested.PatientID, nested.PatientName, nested.StudyDate = self.canaries[0], self.canaries[1], "19370511"
            inner = Dataset()
            inner.IssuerOfPatientID = self.canaries[2]
            nested.IssuerOfPatientIDQualifiersSequence = Sequence([inner])
        dataset.OtherPatientIDsSequence = Sequence([nested])
        dataset.ReferencedStudySequence = Sequence([nested])
        block = dataset.private_block(0x0029, "CANARYPRIVATE", create=True)
        block.add_new(0x01, "LO", self.canaries[3])
        block.add_new(0x02, "OB", self.canaries[4].encode())


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    assert keyword_for_tag(tag) == keyword
    return tag
