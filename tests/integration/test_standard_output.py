"""Where the last lines of a command go, and what becomes of them there: its exit code stays what it is."""

import os
import subprocess
import sys

import pytest

PRINTS = (
    "import sys; from flows.commands.printing import print_last; "
    "print_last(lambda: {}, otherwise='SIGNAL'); sys.exit(20)"
)
TEXTS = ["'x' * 100_000", "1 / 0", "'\xe9\xb0'"]


@pytest.mark.parametrize("text", TEXTS, ids=["long", "raises", "not ASCII"])
@pytest.mark.parametrize(
    "to", ["| true", "> /dev/full", ">&-", "> /dev/null", "> /dev/full 2>&1", ">&- 2>&-"]
)
def test_no_standard_output_changes_the_exit_code(text: str, to: str) -> None:
    program = f'"$0" -c "$1" {to}; exit ${{PIPESTATUS[0]}}'
    told = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        ["bash", "-c", program, sys.executable, PRINTS.format(text)],
        env=told, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 20 and "Traceback" not in done.stderr, done.stderr
    if to == "> /dev/full":
        assert "SIGNAL" in done.stderr
