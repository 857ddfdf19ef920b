"""The commands of ``postdose``: one module a command, with the arguments it takes and what it runs.

``add_arguments(parser)`` declares them, ``run(options)`` returns the exit code. What takes long to import (Prefect,
pandas, Great Expectations) is imported by ``run`` alone: ``postdose --help`` is instant.
"""
