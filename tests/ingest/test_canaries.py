"""Nothing that tells who a patient is passes the door: not into files, messages, or the way between."""

import base64
import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.canaries import CanaryPatient

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
    yield content.replace(b"\0", b"")  # UTF-16 of plain letters


def _needles(text: str) -> tuple[bytes, ...]:
    """The text itself, and its inner letters as base64 writes them at each of three offsets."""
    packed = tuple(base64.b64encode(b"x" * shift + text.encode())[4:-4] for shift in range(3))
    return (text.encode(), *(needle for needle in packed if len(needle) >= 8))


def test_no_canary_is_seen_behind_the_door(tmp_path: Path, figure: Callable[[str], None]):
    patient = CanaryPatient()
    patient.write(tmp_path / "scans")
    (tmp_path / "scans" / "CANARYNOTE.txt").write_text("CANARYTEXT")
    (tmp_path / "table.csv").write_text(TABLE)
    (tmp_path / "map.toml").write_text(MAPPING)
    (tmp_path / "temp").mkdir()
    arguments = ["import", "scans", "--clinical", "table.csv", "--mapping", "map.toml", "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments, "--json", "--key-file", "secret/key.csv"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temp")},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"clinical-value" in done.stdout or b"row 2" in done.stdout
    written = [path for part in ("out", "temp") for path in (tmp_path / part).rglob("*")]
    contents = [path.read_bytes() for path in written if path.is_file()]
    names = "\n".join(str(path.relative_to(tmp_path)) for path in written).encode()
    seen = [form for content in (*contents, names, done.stdout, done.stderr) for form in _forms(content)]
    cells = ["CANARYCELL", "CANARYREMARK", "CANARYSEX", "CANARYOTHER", "CANARY/PATH", "CANARYTEXT", "CANARYNOTE"]
    canaries = [*patient.canaries, "CANARYPRIVATE", *cells]
    hits = {text for text in canaries if any(needle in form for needle in _needles(text) for form in seen)}
    figure(f"canaries {len(canaries)}, seen behind the door {len(hits)}")
    assert len(canaries) >= 600
    assert len(contents) >= 10
    assert hits == set()
    assert b"CANARYID" in (tmp_path / "secret/key.csv").read_bytes()
