"""What lies where a feed arrives and is no file of it: named, never opened, and every other file is read."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from checks.errors import FeedError
from checks.tables import DeliveredTable
from flows.feeds import FeedOptions, read_deliveries
from flows.feeds.regular import opened_regular

GOOD = "USUBJID,VSORRES\nS-01,36.6\n"
SECRET = "USUBJID,VSORRES\nS-99,41.0\n"


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(path.parent)  # the name of a socket has at most 108 bytes
        made.bind(path.name)
        os.chdir(here)


def a_folder(path: Path) -> None:
    path.mkdir()


def link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def by_a_folder_that_leads_out(path: Path) -> None:
    (path.parent / "inner").symlink_to(path.parent.parent)
    path.symlink_to("inner/secret.csv")


NO_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (a_pipe, "a named pipe"),
    "socket": (a_socket, "a socket"),
    "folder": (a_folder, "a folder"),
    "link out": (link_to("../secret.csv"), "a link that leads out of its folder"),
    "absolute link out": (link_to("/etc/hostname"), "a link that leads out of its folder"),
    "link to zeros": (link_to("/dev/zero"), "a link that leads out of its folder"),
    "link to a terminal": (link_to("/dev/tty"), "a link that leads out of its folder"),
    "link to memory": (link_to("/proc/self/mem"), "a link that leads out of its folder"),
    "link to the environment": (link_to("/proc/self/environ"), "a link that leads out of its folder"),
    "link to a descriptor": (link_to("/proc/self/fd/0"), "a link that leads out of its folder"),
    "link to the system": (link_to("/sys/kernel/notes"), "a link that leads out of its folder"),
    "link to its folder": (link_to("."), "a folder"),
    "link to nothing": (link_to("nothing.txt"), "that it cannot be opened (FileNotFoundError)"),
    "link to itself": (a_link_to_itself, "a link"),
    "link by a folder": (by_a_folder_that_leads_out, "a link that leads out of its folder"),
}


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    (tmp_path / "secret.csv").write_text(SECRET)
    (tmp_path / "vs").mkdir()
    (tmp_path / "vs" / "good.csv").write_text(GOOD)
    return tmp_path / "vs"


def read(location: Path) -> tuple[DeliveredTable, ...]:
    return read_deliveries(str(location), FeedOptions(domain="VS"))


def subjects(read: tuple[DeliveredTable, ...]) -> list[str]:
    return [one for delivery in read if delivery.table is not None for one in delivery.table["USUBJID"]]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_file_is_named_in_a_folder_and_as_the_feed_itself(name: str, feed: Path) -> None:
    make, kind = NO_FILES[name]
    make(feed / "bad.csv")
    found = read(feed)
    assert subjects(found) == ["S-01"]
    problems = [one.problem for one in found if one.problem]
    assert len(problems) == 1
    assert f": found {kind}" in problems[0]
    if name not in ("folder", "link to its folder"):  # a folder is a feed of the files in it
        (alone,) = read(feed / "bad.csv")
        assert alone.table is None
        assert f": found {kind}" in (alone.problem or "")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "path", ["/dev/zero", "/dev/null", "/proc/self/environ", "/proc/kmsg", "/sys/kernel/notes"]
)
def test_a_device_and_a_file_of_the_kernel_are_no_feed(path: str) -> None:
    (found,) = read(Path(path))
    assert found.table is None
    with pytest.raises(FeedError, match="allowed: a regular file"), opened_regular(path, "x"):
        pass


def test_a_link_within_the_folder_is_followed(feed: Path) -> None:
    (feed / "..data").mkdir()  # as Kubernetes mounts a ConfigMap
    (feed / "..data" / "vs").write_text(GOOD.replace("S-01", "S-02"))
    (feed / "b.csv").symlink_to("..data/vs")
    (feed / "c.csv").symlink_to("good.csv")
    assert subjects(read(feed)) == ["S-02", "S-01", "S-01"]


def test_a_feed_whose_folder_is_a_link_is_read(feed: Path, tmp_path: Path) -> None:
    (tmp_path / "mounted").symlink_to(feed)
    assert subjects(read(tmp_path / "mounted")) == ["S-01"]
    assert subjects(read(tmp_path / "mounted" / "good.csv")) == ["S-01"]


@pytest.mark.parametrize("name", [b"\xff\xfe.csv", b"a\nb.csv", b"\x1b[2J.csv", b"a\x7f.csv", b"caf\xe9.csv"])
def test_a_name_that_cannot_be_shown_is_written_as_in_a_url(name: bytes, feed: Path) -> None:
    (feed / os.fsdecode(name)).write_bytes(b"")
    found = read(feed)
    shown = [one.delivery.name for one in found if one.delivery.name != "good.csv"]
    assert len(shown) == 1
    assert "%" in shown[0]
    assert shown[0].isprintable()
    assert "S-01" in subjects(found)
