"""Nothing that tells who a patient is passes the door: not into files, messages, or the way between."""

import base64
import gzip
import io
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.canaries import PICTURES, CanaryPatient, Image

from plaquecast.domain.anatomy import Weighting
from plaquecast.segment.network import REFERENCE
from plaquecast.settings import SimulateSettings
from plaquecast.simulate.cohort import simulate_patient

COMMAND = "import sys; from plaquecast.cli.main import main; sys.argv[0] = 'plaquecast'; main()"
TABLE = (
    "Who,Date,Sex,Weight,Remark\n"
    "CANARYID,2020-03-01,female,CANARYCELL,CANARYREMARK\n"
    "CANARYID,2022-03-05,CANARYSEX,81,CANARYREMARK\n"
    "CANARYOTHER,2020-03-01,female,80,x\n"
    "CANARY/PATH,2020-03-01,female,80,x\n"
)
MAPPING = """
[columns.participant_id]
source = "Who"
[columns.acq_time]
source = "Date"
[columns.sex]
source = "Sex"
[columns.weight_kg]
source = "Weight"
unit = "kg"
"""


def _forms(content: bytes) -> Iterator[bytes]:
    yield content
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    if content.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(content))
        yield f"{table.schema.to_string()} {table.to_pydict()}".encode()
    if content.startswith(b"SQLite format 3"):
        database = sqlite3.connect(":memory:")
        database.deserialize(content)
        yield "\n".join(database.iterdump()).encode()
        database.close()
    yield content.replace(b"\0", b"")  # UTF-16 of plain letters


def _needles(text: str) -> tuple[bytes, ...]:
    """The text itself, and its inner letters as base64 writes them at each of three offsets."""
    packed = tuple(base64.b64encode(b"x" * shift + text.encode())[4:-4] for shift in range(3))
    return (text.encode(), *(needle for needle in packed if len(needle) >= 8))


class Behind:
    """A patient of canaries before the door, and all that can be seen behind it."""

    def __init__(self, root: Path, images: Sequence[Image] = PICTURES) -> None:
        self.root, self.said, patient = root, b"", CanaryPatient()
        patient.write(root / "scans", images)
        (root / "scans" / "CANARYNOTE.txt").write_text("CANARYTEXT")
        (root / "table.csv").write_text(TABLE)
        (root / "map.toml").write_text(MAPPING)
        (root / "temp").mkdir()
        cells = ["CANARYCELL", "CANARYREMARK", "CANARYSEX", "CANARYOTHER", "CANARY/PATH", "CANARYTEXT", "CANARYNOTE"]
        self.canaries = [*patient.canaries, "CANARYPRIVATE", *cells]

    def speak(self, *arguments: str) -> bytes:
        """Give the command line these words, and keep what it says."""
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            cwd=self.root,
            env={**os.environ, "TMPDIR": str(self.root / "temp")},
            capture_output=True,
            timeout=1800,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        self.said += done.stdout + done.stderr
        return done.stdout

    def import_(self) -> bytes:
        """Import the patient as the dataset `out`."""
        return self.speak(
            "import", "scans", "--clinical", "table.csv", "--mapping", "map.toml", "--out", "out",
            "--json", "--key-file", "secret/key.csv",
        )  # fmt: skip

    def files(self, *folders: str) -> list[Path]:
        """All files and folders that were written."""
        return [path for part in ("temp", *folders) for path in (self.root / part).rglob("*")]

    def hits(self, *folders: str) -> set[str]:
        """The canaries seen in what was said and in the names and contents of files, packed ones too."""
        written = self.files(*folders)
        names = "\n".join(str(path.relative_to(self.root)) for path in written).encode()
        contents = (path.read_bytes() for path in written if path.is_file())
        seen = (form for content in (names, self.said, *contents) for form in _forms(content))
        return {text for form in seen for text in self._in(form)}

    def _in(self, form: bytes) -> Iterator[str]:
        """The canaries in some bytes; the numbered ones are looked for only where their common beginning stands."""
        numbered = [text for text in self.canaries if re.fullmatch(r"CANARY\d{4}", text)]
        beginnings = [needle[:4] for needle in _needles(numbered[0])]
        suspects = self.canaries if any(each in form for each in beginnings) else set(self.canaries) - set(numbered)
        yield from (text for text in suspects if any(needle in form for needle in _needles(text)))


def test_no_canary_is_seen_behind_the_door(tmp_path: Path, figure: Callable[[str], None]):
    behind = Behind(tmp_path)
    said = behind.import_()
    assert b"clinical-value" in said or b"row 2" in said
    hits = behind.hits("out")
    figure(f"canaries {len(behind.canaries)}, seen behind the door {len(hits)}")
    assert len(behind.canaries) >= 600
    assert len(behind.files("out")) >= 10
    assert hits == set()
    assert b"CANARYID" in (tmp_path / "secret/key.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_canary_is_seen_after_a_whole_run(tmp_path: Path, figure: Callable[[str], None]):
    """A simulated neck as pixels, so that arteries are found and every table and report is full."""
    volumes = [
        each.visit.volumes[Weighting.T1W]
        for each in simulate_patient(0, 5, SimulateSettings(), (Weighting.T1W,)).visits
    ]
    images = [(volume.array.clip(0, 4095).astype(np.uint16), volume.grid.affine) for volume in volumes]
    behind = Behind(tmp_path, images)
    behind.import_()
    behind.speak("check", "out", "--html", "findings/check.html", "--json")
    behind.speak("run", "out", "--segmenter", str(REFERENCE), "--out", "run", "--json", "--workers", "1")
    behind.speak("run", "out", "--segmenter", str(REFERENCE), "--out", "run", "--json", "--workers", "1")
    written = [path for path in behind.files("out", "run", "findings") if path.is_file()]
    kinds = Counter(path.suffix for path in written)
    hits = behind.hits("out", "run", "findings")
    figure(f"canaries {len(behind.canaries)}, seen in {len(written)} files after a whole run {len(hits)}")
    assert {".gz", ".html", ".json", ".parquet", ".sqlite", ".tsv"} <= kinds.keys()
    assert pq.read_table(tmp_path / "run/tables/arteries.parquet")["lumen_volume_mm3"].null_count == 0
    assert hits == set()
