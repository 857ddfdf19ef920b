"""Compute each part in the process of the look: the default, for which one part is best."""

from collections.abc import Callable, Sequence

from flows.engines.engine import Part, Result, on_part


class Here:
    """The process of the look."""

    most_parts = 1

    def compute(
        self, stage: str, work: Callable[[Part], Result], parts: Sequence[Part]
    ) -> tuple[Result, ...]:
        """Return what the work makes of each part, one after the other."""
        named = on_part.with_options(name=stage, task_run_name=stage)
        return tuple(named(work, part) for part in parts)
