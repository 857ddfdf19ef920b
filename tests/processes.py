"""`postdose` as a process that finds the libraries loaded, which take longer to load than most commands to run.

The process is forked from one that has imported the libraries and nothing else. What is ours it imports anew, and so
Prefect, which reads the environment as it is imported. Exit code, output, folder, umask and environment are those
of a process that is started. What it does not show, tests that start one do: which libraries a command imports, and
that nothing hangs on the seed of Python's hashes, which all that are forked share.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from servers import PASSWORD

ROOT = Path(__file__).parents[1]
LIBRARIES = (
    "alembic.command",
    "apprise",
    "great_expectations",
    "httpx",
    "jinja2",
    "pandas",
    "pyarrow.parquet",
    "pydantic",
    "scipy.optimize",
    "scipy.stats",
    "sqlalchemy.dialects.sqlite",
    "yaml",
)
FROM_HERE = ("POSTDOSE_", "PREFECT_")
"""Variables that begin so are those of whoever runs the tests, and no process of a test's."""


def postdose(*arguments: str, folder: Path | None = None, **told: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder (default: the checkout), with no configuration but what the test tells it."""
    with tempfile.TemporaryDirectory() as said:
        out, err = Path(said) / "out", Path(said) / "err"
        asked = [
            list(arguments),
            {**environment_without_ours(), **told},
            str(folder or ROOT),
            str(out),
            str(err),
            _umask(),
        ]
        parent = _loaded()
        assert parent.stdin is not None and parent.stdout is not None
        try:
            parent.stdin.write(json.dumps(asked) + "\n")
            code = int(parent.stdout.readline())
        except BaseException:  # a test that is given up, or interrupted, leaves no command behind
            os.killpg(parent.pid, signal.SIGKILL)
            _loaded.cache_clear()
            raise
        return subprocess.CompletedProcess(
            arguments, code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
        )


def environment_without_ours() -> dict[str, str]:
    """The environment of whoever runs the tests, and the password of the servers of the tests."""
    theirs = {name: value for name, value in os.environ.items() if not name.startswith(FROM_HERE)}
    return {**theirs, "PREFECT_API_AUTH_STRING": PASSWORD}


def _umask() -> int:
    """The umask of this process, which can only be read by setting one."""
    ours = os.umask(0o077)
    os.umask(ours)
    return ours


@cache
def _loaded() -> "subprocess.Popen[str]":
    """The process to fork from, of this run of tests; it ends when this one does, as nothing is left to read."""
    return subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1, cwd=ROOT, text=True,
        env={**os.environ, "GX_ANALYTICS_ENABLED": "False"}, start_new_session=True,
    )  # fmt: skip


def _fork_for_each() -> None:
    for library in LIBRARIES:
        import_module(library)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(*json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(
    arguments: list[str], environment: Mapping[str, str], folder: str, out: str, err: str, umask: int
) -> NoReturn:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.umask(umask)
    for number, path, how in ((0, os.devnull, "r"), (1, out, "w"), (2, err, "w")):
        with open(path, how) as file:  # noqa: PTH123
            os.dup2(file.fileno(), number)
    sys.argv = ["postdose", *arguments]
    main: Any = import_module("flows.commands.cli").main
    sys.exit(main(arguments))


if __name__ == "__main__":
    _fork_for_each()
