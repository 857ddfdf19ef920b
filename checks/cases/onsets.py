"""One onset of a component: when it began and was first seen, how sure it is, and what shows it."""

from dataclasses import dataclass

from checks.cases.measured_onsets import Why


@dataclass(frozen=True, slots=True)
class Onset:
    """The onset of one component of one subject; instants are on the axis that all subjects share.

    ``seen`` is when it was first seen, or by when it had begun where that is no ``instant``; ``timed`` says that this
    is known to the hour or better. ``query`` says that a report and the measurements that it joins disagree. ``test``
    is the one that showed it, None of a report alone or of tests together. ``settled`` is by when a last measurement
    that nothing has confirmed must have been contradicted, if it is; None where nothing is awaited. ``perhaps_since``
    is since when it may have begun if a measurement without an instant showed it before; None where none can have.
    """

    earliest: int
    latest: int
    seen: int
    definite: bool
    why: Why
    evidence: tuple[str, ...]
    test: str | None = None
    settled: int | None = None
    query: bool = False
    instant: bool = True
    timed: bool = True
    perhaps_since: int | None = None
