"""Files made to stop whoever reads them: each is its feed's problem, named, and the file beside it is read."""

import resource
from pathlib import Path

import pytest
from hostile_feeds import BOMBS, FHIR, MUTATIONS, Callable, File

from checks.tables import DeliveredTable
from flows.feeds import FeedOptions, read_deliveries
from flows.feeds.one_file import LONGEST_PROBLEM

GOOD = "USUBJID,VSORRES\nS-02,36.6\n"
OBSERVATION = '{"resourceType": "Observation", "id": "1", "subject": {"reference": "Patient/S-02"}}\n'
GIBI_IN_KIB = 1 << 20


def read(
    make: Callable[[], File], folder: Path, options: FeedOptions
) -> tuple[DeliveredTable, DeliveredTable]:
    name, content = make()
    (folder / f"a_{name}").write_bytes(content)
    beside = "z.ndjson" if options.format == "fhir" else "z.csv"
    (folder / beside).write_text(OBSERVATION if options.format == "fhir" else GOOD)
    bad, good = read_deliveries(str(folder), options)
    return bad, good


def require_named(bad: DeliveredTable, good: DeliveredTable) -> str:
    assert good.table is not None
    assert good.table["USUBJID"].tolist() == ["S-02"]
    assert bad.table is None
    problem = bad.problem or ""
    assert problem.startswith("VS 1: ")
    assert len(problem) < LONGEST_PROBLEM + 100
    assert problem.encode().decode() == problem
    assert "\0" not in problem
    return problem


LONG = ("gzip of rows", "gzip as lines of JSON", "zip of rows", "zip of gzip")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow if one in LONG else ()) for one in BOMBS]
)
def test_a_bomb_is_refused_before_it_fills_the_memory(name: str, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    require_named(*read(BOMBS[name], tmp_path, FeedOptions(domain="VS")))
    # Linux counts KiB; of bombs of .1 to 10 GB nothing near that is ever held
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GIBI_IN_KIB


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_file_that_is_no_table_is_its_feeds_problem(name: str, tmp_path: Path) -> None:
    require_named(*read(MUTATIONS[name], tmp_path, FeedOptions(domain="VS")))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", FHIR)
def test_a_resource_that_is_none_is_its_feeds_problem(name: str, tmp_path: Path) -> None:
    require_named(*read(FHIR[name], tmp_path, FeedOptions(domain="VS", format="fhir")))
