"""The README's example of a look from Python, run as it stands: it finds what was planted, and writes nothing."""

import json
import re
import subprocess
import sys
from pathlib import Path

from flows.simulate import simulate

ROOT = Path(__file__).parents[2]

WATCHED = """
import os, sys
def watch(event, args):
    writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in ("os.mkdir", "os.rename", "os.remove", "socket.connect", "socket.getaddrinfo"):
        print(event, args[0], file=sys.stderr)
sys.addaudithook(watch)
"""
"""Says of everything that Python is asked to write, or to connect to, that it was."""


def test_the_example_finds_the_planted_subjects_and_writes_nothing(tmp_path: Path) -> None:
    simulate("cyt107", tmp_path / "demo", seed=1)
    before = sorted(tmp_path.rglob("*"))
    (example,) = re.findall(
        r"<!-- python example -->\n```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    ran = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED + example],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    truth = json.loads((tmp_path / "demo/truth.json").read_text(encoding="utf-8"))
    planted = sorted(case["USUBJID"] for case in truth["cases"])
    assert ran.stdout.decode().strip() == f"signal {planted}"
    assert ran.stderr.decode() == ""
    assert sorted(tmp_path.rglob("*")) == before
