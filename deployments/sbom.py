"""Print the software bill of materials of what constraints.txt pins, as CycloneDX 1.6: the same bytes each time.

python deployments/sbom.py >postdose.cdx.json
"""

import importlib.metadata
import json
import sys
from pathlib import Path

from flows.doctor.pins import Pin, read_pins

CONSTRAINTS = Path(__file__).with_name("constraints.txt")


def bill(text: str, version: str) -> dict[str, object]:
    """Return the bill of a version of postdose; each component has the SHA-256 of every file that pip may take."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "postdose",
                "name": "postdose",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [_component(pin) for pin in read_pins(text)],
    }


def _component(pin: Pin) -> dict[str, object]:
    purl = f"pkg:pypi/{pin.name}@{pin.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": pin.name,
        "version": pin.version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": one} for one in pin.sha256],
    }


if __name__ == "__main__":
    said = bill(CONSTRAINTS.read_text(encoding="utf-8"), importlib.metadata.version("postdose"))
    sys.stdout.write(json.dumps(said, indent=1) + "\n")
