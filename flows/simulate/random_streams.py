"""Random streams, one for each part of a study: worlds of one seed share what they can."""

from enum import IntEnum

from numpy.random import PCG64, Generator, SeedSequence


class Part(IntEnum):
    """The parts of a study that draw at random, each from its own stream."""

    ENROLMENT = 1
    BACKGROUND = 2
    REACTION = 3
    CHARTING = 4
    LABORATORY = 5
    ADVERSE_EVENTS = 6


def stream(seed: int, part: Part, subject: int = 0) -> Generator:
    """Return the generator of one part of one subject: the same seed gives the same draws on any machine."""
    return Generator(PCG64(SeedSequence([seed, int(part), subject])))
