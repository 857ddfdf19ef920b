"""Whether this machine could make a look: versions, variables, time zones, the Prefect server."""

import difflib
import importlib.metadata
import json
import platform
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packaging.requirements import Requirement

from checks.errors import UsageError
from checks.protocol import StudyProtocol
from flows.doctor.api import API_SECONDS, authorization, examine_api
from flows.doctor.finding import MACHINE, Finding, few, ok, stops, unwritable, warning
from flows.doctor.pins import Pin, read_pins
from flows.settings import IN_A_FILE, OURS, VARIABLES, prefect_settings, read_settings


def examine_machine(environ: Mapping[str, str], protocols: Iterable[StudyProtocol]) -> Iterator[Finding]:
    """Yield what is found of the machine; the studies say which further variables are meant."""
    yield from _versions()
    yield _variables(environ, protocols)
    yield from _settings(environ)
    yield _time_zones()
    yield _prefect(environ)
    yield from examine_api(environ)


def _versions() -> Iterator[Finding]:
    yield ok(MACHINE, "python", f"Python {platform.python_version()}, postdose {_version('postdose')}")
    needed = [Requirement(text) for text in importlib.metadata.requires("postdose") or ()]
    wrong = [found for one in needed if (found := _unmet(one))]
    pinned = _constraints()
    other = [
        f"{pin.name} {found}, not {pin.version}"
        for pin in pinned
        if pin.needed and (found := _version(pin.name)) not in (None, pin.version)
    ]
    remedy = "Install with `pip install --require-hashes -r deployments/constraints.txt`."
    if wrong:
        yield stops(MACHINE, "packages", "; ".join(wrong), UsageError, remedy)
    elif other:
        yield warning(MACHINE, "packages", f"not as tested together: {few(other)}", remedy)
    else:
        asked = f"{len(pinned)} exact versions" if pinned else "requirements (no constraints.txt is at hand)"
        yield ok(MACHINE, "packages", f"as the {asked} say")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _unmet(requirement: Requirement) -> str | None:
    """Return what is wrong with a package that postdose needs; the extras need not be there."""
    found = _version(requirement.name)
    needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    if found is None:
        return f"{requirement.name} is missing" if needed else None
    fits = requirement.specifier.contains(found, prereleases=True)
    return None if fits else f"{requirement.name} {found}, not {requirement.specifier}"


def _constraints() -> tuple[Pin, ...]:
    """Return the exact versions of deployments/constraints.txt, here or in the checkout this code is run from."""
    relative = Path("deployments") / "constraints.txt"
    places = (relative, Path(__file__).parents[2] / relative)
    file = next((one for one in places if one.is_file()), None)
    return () if file is None else read_pins(file.read_text(encoding="utf-8"))


def _variables(environ: Mapping[str, str], protocols: Iterable[StudyProtocol]) -> Finding:
    """Name each POSTDOSE_ variable that nothing would read, with the one it may have been meant for."""
    known = {variable.name for variable in VARIABLES} | {name for one in protocols for name in _named(one)}
    known |= {name + IN_A_FILE for name in known}
    ours = sorted(name for name in environ if name.startswith(OURS))
    unknown = [name for name in ours if name not in known]
    if not unknown:
        return ok(MACHINE, "variables", f"{len(ours)} set whose names begin with {OURS}, each known")
    said = "; ".join(f"{name} is read by nothing{_meant(name, known)}" for name in unknown)
    return warning(MACHINE, "variables", said, "Correct the name, or name the study protocol that uses it.")


def _named(protocol: StudyProtocol) -> Iterator[str]:
    """Yield the variables that a study protocol names."""
    for channel in (channel for route in protocol.alerts.routes for channel in route.channels):
        if channel.startswith("env:"):
            name = channel.removeprefix("env:")
            yield from (name, f"{name}_SECRET")
    yield from (source.variable for source in protocol.feeds.by_domain().values() if source.variable)


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
    return f" (meant: {close[0]}?)" if close else ""


def _settings(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        read_settings(environ, state=None, folder=Path())
        prefect_settings(environ)
    except UsageError as error:
        yield stops(MACHINE, "settings", str(error), error, "Correct the variable that is named.")


def _time_zones() -> Finding:
    try:
        ZoneInfo("Europe/Paris")
    except ZoneInfoNotFoundError:
        remedy = "Install the package tzdata."
        return stops(MACHINE, "time zones", "no time zone database", UsageError, remedy)
    return ok(MACHINE, "time zones", f"there; package tzdata {_version('tzdata') or 'not installed'}")


def _prefect(environ: Mapping[str, str]) -> Finding:
    """Ask the server that runs are reported to whether it is there, lets us in, and is of our version."""
    url = environ.get("PREFECT_API_URL", "").strip()
    if not url:
        return _own_server(environ)
    try:
        theirs, ours = _server_version(url, authorization(environ)), _version("prefect")
    except (OSError, ValueError) as error:
        reason = f"status {error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        said = f"the server of PREFECT_API_URL did not answer ({reason})"
        remedy = "Start the server, or correct PREFECT_API_URL and PREFECT_API_AUTH_STRING."
        return stops(MACHINE, "prefect", said, UsageError, remedy)
    if theirs == ours:
        return ok(MACHINE, "prefect", f"the server answers, version {theirs}")
    said = f"the server has version {theirs}, this machine {ours}"
    return warning(MACHINE, "prefect", said, "Install the same version for both.")


def _own_server(environ: Mapping[str, str]) -> Finding:
    """Say that a look starts a server itself, which keeps its files in PREFECT_HOME."""
    home = Path(environ.get("PREFECT_HOME") or Path.home() / ".prefect").expanduser()
    problem = unwritable(home) if home.parent.is_dir() else "the folder that it is made in is not there"
    if problem:
        said, remedy = f"{home} cannot be written ({problem})", "Set PREFECT_HOME to a folder that can."
        return stops(MACHINE, "prefect", said, UsageError, remedy)
    return ok(MACHINE, "prefect", "no PREFECT_API_URL: a look starts its own server")


def _server_version(url: str, headers: Mapping[str, str]) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(url)
    request = urllib.request.Request(f"{url.rstrip('/')}/admin/version", headers=dict(headers))  # noqa: S310 - looked at
    with urllib.request.urlopen(request, timeout=API_SECONDS) as answer:  # noqa: S310 - as above
        return str(json.load(answer))
