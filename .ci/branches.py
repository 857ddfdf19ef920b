"""Fails when fewer of the branches of `checks` were taken than promised: `branches.py COVERAGE.json PERCENT`."""

import json
import sys
from pathlib import Path

report, promised = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), float(sys.argv[2])
totals = report["totals"]
taken = 100 * totals["covered_branches"] / totals["num_branches"]
print(
    f"Branches taken: {totals['covered_branches']} of {totals['num_branches']}, {taken:.2f} %; at least {promised} %"
)
if taken < promised:
    for name, file in sorted(report["files"].items()):
        if file["missing_branches"]:
            print(f"  {name}: {file['missing_branches']}")
    sys.exit(1)
