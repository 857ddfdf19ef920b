"""What can fail once a verdict is known, each broken by itself: the look is recorded and told, and exits 20."""

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from attacks.attempt import Attempt, Bench, held
from attacks.looks import SIGNAL, forked, look, require_told, study, within
from servers import free_port

from flows.commands.cli import main
from flows.looks.courtesies import COURTESIES
from flows.looks.files import OF_A_LOOK

KIND = "faults after the verdict"
Break = Callable[[Path], None]
"""Breaks something of a study's folder in the process that looks, before it does."""


def no_room_for(*names: str) -> Break:
    """Refuse files of these names as a full disk does."""

    def do(folder: Path) -> None:
        real = os.replace

        def refused(source: object, target: object, **where: object) -> None:
            if Path(os.fsdecode(target)).name in names:
                raise OSError(28, "No space left on device", target)
            real(source, target, **where)

        os.replace = refused

    return do


def variable(name: str, value: Callable[[Path], str]) -> Break:
    return lambda folder: os.environ.update({name: value(folder)})


def _looks_is_a_file(folder: Path) -> None:
    (folder / "looks").write_text("")


def _no_temporary_folder(folder: Path) -> None:
    tempfile.tempdir = str(folder / "nowhere")


def _descriptors_run_out(folder: Path) -> None:
    """Take every descriptor once the first message is written."""

    def take() -> None:
        while not list((folder / "outbox").glob("*.json")):
            threading.Event().wait(0.001)
        try:
            while True:
                os.dup(0)
        except OSError:
            threading.Event().wait(2)

    threading.Thread(target=take, daemon=True).start()


def interrupted(number: int) -> Break:
    """Send a signal as soon as the first message is being written."""

    def do(folder: Path) -> None:
        def send() -> None:
            while not (folder / "outbox").exists():
                threading.Event().wait(0.0005)
            os.kill(os.getpid(), number)

        threading.Thread(target=send, daemon=True).start()

    return do


def _closed_port(_: Path) -> str:
    return f"http://127.0.0.1:{free_port()}/"


FAULTS: Mapping[str, Break] = {
    **{f"no room for {name}": no_room_for(name) for name in OF_A_LOOK},
    "no room for any file of a look": no_room_for(*OF_A_LOOK, "heartbeat.json", "heads"),
    "no room for heartbeat.json": no_room_for("heartbeat.json"),
    "looks/ is a file": _looks_is_a_file,
    "heads is a folder": lambda folder: (folder / "heads").mkdir(),
    "no temporary folder": _no_temporary_folder,
    "a watchdog that is not there": variable("POSTDOSE_HEARTBEAT_URL", _closed_port),
    "a keeper of heads that is not there": variable("POSTDOSE_HEAD_URL", _closed_port),
    "no descriptors left": _descriptors_run_out,
}
INTERRUPTIONS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}
STREAMS = {"standard output is full": 1, "standard error is full": 2, "both are full": 3}


def faults(bench: Bench) -> Iterator[Attempt]:
    """Yield an attempt for each fault of the files, each interruption, and each stream that takes nothing."""
    tries: dict[str, Callable[[Path], str]] = {name: partial(_broken, do) for name, do in FAULTS.items()}
    tries |= {f"{name} raises": partial(_broken, partial(_raises, name)) for name in COURTESIES}
    tries |= {f"{name} as it tells": partial(_interrupted, one) for name, one in INTERRUPTIONS.items()}
    tries |= {name: partial(_command_into, number) for name, number in STREAMS.items()}
    for name, attempt in tries.items():
        if name not in bench.done:
            folder = study(bench.work / "faults" / "study")
            yield Attempt("faults", KIND, name, *held(partial(attempt, folder)))


def _raises(name: str, _: Path) -> None:
    def broken(_told: object) -> None:
        raise MemoryError

    dict.__setitem__(COURTESIES, name, broken)


def _broken(do: Break, folder: Path) -> str:
    seen = look(folder, 1, partial(do, folder))
    assert seen.code == SIGNAL, f"exit {seen.code}"
    return " ".join(
        line.partition("postdose - ")[2] for line in seen.printed.splitlines() if "ERROR" in line
    )[:150]


def _interrupted(number: int, folder: Path) -> str:
    """An interrupted look may end as interrupted, once all is told."""
    try:
        look(folder, 1, partial(interrupted(number), folder))
    except AssertionError as error:
        if "ended with" not in str(error):
            raise
    require_told(folder, 1)
    return "told first"


def _command_into(number: int, folder: Path) -> str:
    """The command, with a Prefect server that has ended, where nothing it prints can be written."""

    def work() -> None:
        os.environ["PREFECT_API_URL"] = _closed_port(folder) + "api"
        full = os.open("/dev/full", os.O_WRONLY)
        for descriptor in (1, 2):
            if number & descriptor:
                os.dup2(full, descriptor)
        sys.stdout, sys.stderr = (os.fdopen(one, "w") for one in (os.dup(1), os.dup(2)))
        code = main(["look", str(folder / "protocol.yaml")])
        (folder / "exit").write_text(str(code))

    within(forked(work))
    require_told(folder, 1)
    code = (folder / "exit").read_text() if (folder / "exit").is_file() else "none"
    assert code == str(SIGNAL), f"exit {code}"
    return f"exit {code}"
