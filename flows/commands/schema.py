"""`postdose schema`: the JSON Schema of a look, of a study protocol or of an alert."""

import argparse
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "document", choices=("look", "protocol", "alert"), help="look.json, a protocol file, an alert"
    )


def run(options: argparse.Namespace) -> int:
    from flows.pages.schemas import schema_of

    print(json.dumps(schema_of(options.document), indent=1, ensure_ascii=False))
    return 0
