"""Run each command of ``postdose``: read the settings, call what does the work, print, return the exit code.

Prefect, Great Expectations and pandas are imported only by the commands that use them: ``--help`` is instant.
"""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from checks.errors import PostdoseError, UsageError
from flows.settings import read_settings

if TYPE_CHECKING:
    from flows.looks.monitor import LookOutcome


def demo(options: argparse.Namespace) -> int:
    """Simulate a study with planted cases, find them, and say whether they are exactly those."""
    from flows.demo import run_demo

    return run_demo(options.out)


def check(options: argparse.Namespace) -> int:
    """List every problem of a study protocol file, else what its rules spend and which channels are closed."""
    from checks.protocol import load_protocol
    from flows.alerts.channels import unresolved
    from flows.pages.design.spending import spending_text

    protocol = load_protocol(options.protocol)
    spent = spending_text(protocol)
    print(
        f"{options.protocol}: no problems. Study {protocol.study.id}, {len(protocol.rules)} rules.\n{spent}"
    )
    settings = read_settings(os.environ, state=None, folder=protocol.folder)
    channels = [channel for route in protocol.alerts.routes for channel in route.channels]
    for problem in unresolved(channels, folder=protocol.folder, addresses=settings.addresses):
        print(f"From here no alert would leave through {problem}")
    return 0


def look(options: argparse.Namespace) -> int:
    """Make one look, print it, and write the closed report where one is asked for."""
    if options.state:
        os.environ["POSTDOSE_STATE"] = (
            options.state
        )  # a URL may hold a password: it never becomes a parameter
    from flows.looks.monitor import make_look

    if options.closed:
        _require_closed(options)
    outcome = make_look(
        options.protocol,
        data_cutoff=options.data_cutoff,
        feeds=None if options.feeds is None else str(options.feeds),
        out=None if options.out is None else str(options.out),
        engine=options.engine,
    )
    _show(outcome, as_json=options.json)
    return _closed(options, outcome) if options.closed else int(outcome.exit_code)


def _require_closed(options: argparse.Namespace) -> None:
    """Refuse a closed report before the look is made."""
    from flows.looks.closed import require_permission
    from flows.looks.study import open_study

    study = open_study(options.protocol, os.environ)
    require_permission(study.settings, study.protocol, reason=options.reason, by=options.by)


def _closed(options: argparse.Namespace, outcome: "LookOutcome") -> int:
    """Write the closed report of a look; a signal exits 20 whatever becomes of the report."""
    from flows.looks.closed.look import write_closed
    from flows.looks.monitor import EXIT_CODES
    from flows.looks.study import open_study

    study = open_study(options.protocol, os.environ)
    feeds = None if options.feeds is None else str(options.feeds)
    try:
        page = write_closed(study, outcome, feeds=feeds, reason=options.reason, by=options.by)
    except PostdoseError as error:
        print(f"postdose: no closed report: {error}\n{error.remedy}", file=sys.stderr)
        return outcome.exit_code if outcome.exit_code == EXIT_CODES["signal"] else error.exit_code
    print(f"Closed report: {page}", file=sys.stderr)
    return outcome.exit_code


def receive(options: argparse.Namespace) -> int:
    """Take files in as deliveries, and print their receipts."""
    from flows.looks.monitor import receive_files

    now = datetime.now(UTC).replace(microsecond=0)
    for receipt in receive_files(
        options.protocol, options.domain, options.files, received_at=options.received_at or now, now=now
    ):
        print(
            f"{receipt.domain} {receipt.name}: received {receipt.received_at:%Y-%m-%dT%H:%M:%SZ}, {receipt.sha256}"
        )
    return 0


def replay(options: argparse.Namespace) -> int:
    """Look again at each past data cut-off, and print what delayed each rule."""
    from flows.looks.replay.command import Request, run_replay

    request = Request(
        first=options.first,
        last=options.last,
        every=options.every,
        feeds=None if options.feeds is None else str(options.feeds),
        out=None if options.out is None else str(options.out),
    )
    return run_replay(options.protocol, request, as_json=options.json)


def _show(outcome: "LookOutcome", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome.document, indent=1, ensure_ascii=False))
        return
    from flows.pages.terminal import text_summary

    print(text_summary(outcome.document, report=outcome.report))


def boundary(options: argparse.Namespace) -> int:
    """Print a stopping boundary and its operating characteristics."""
    from flows.pages.design.boundary import run_boundary

    return run_boundary(
        options.method,
        n_max=options.n_max,
        null_rate=options.null_rate,
        alpha=options.alpha,
        looks=options.looks,
        rates=options.rates,
        options={name: getattr(options, name) for name in ("prior", "delta", "alternative_rate", "nu")},
        as_json=options.json,
    )


def design(options: argparse.Namespace) -> int:
    """Write and print what a protocol's rules do."""
    from flows.design.command import run_design

    return run_design(options.protocol, out=options.out, subjects=options.subjects, as_json=options.json)


def route_test(options: argparse.Namespace) -> int:
    """Send a message marked TEST through every channel."""
    from checks.protocol import load_protocol
    from flows.alerts.proving import run_route_test

    protocol = load_protocol(Path(options.protocol))
    settings = read_settings(os.environ, state=None, folder=protocol.folder)
    now = datetime.now(UTC)
    return run_route_test(protocol, settings.addresses, now, role=options.role, as_json=options.json)


def alerts(options: argparse.Namespace) -> int:
    """List, show or take alerts, or send again what was given up."""
    from checks.protocol import load_protocol
    from flows.alerts.command import run_ack, run_list, run_resend, run_show

    now = datetime.now(UTC)
    if options.action == "resend":
        protocol = load_protocol(options.protocol)
        settings = read_settings(os.environ, state=options.state, folder=protocol.folder)
        return run_resend(settings, protocol, options.alert, by=options.by, now=now, as_json=options.json)
    settings = read_settings(os.environ, state=options.state, folder=Path())
    if options.action == "ack":
        return run_ack(
            settings, options.alert, by=options.by, reason=options.reason, now=now, as_json=options.json
        )
    if options.action == "list":
        return run_list(settings, closed=options.all, as_json=options.json)
    return run_show(settings, options.alert, as_json=options.json)


def ledger(options: argparse.Namespace) -> int:
    """Verify, export or move the ledger, or print its head."""
    from flows.ledger.command import run_export, run_head, run_move, run_verify

    settings = read_settings(os.environ, state=options.state, folder=Path())
    if options.action == "verify":
        return run_verify(settings, expect_head=options.expect_head, as_json=options.json)
    if options.action == "move":
        return run_move(settings, to=options.to, as_json=options.json)
    run = run_export if options.action == "export" else run_head
    return run(settings, as_json=options.json)


def heartbeat(options: argparse.Namespace) -> int:
    """Say whether looks and feeds are as fresh as the protocol asks."""
    from flows.heartbeat import run_heartbeat

    return run_heartbeat(options.protocol, state=options.state, now=datetime.now(UTC), as_json=options.json)


def serve(options: argparse.Namespace) -> int:
    """Serve studies until told to end."""
    from flows.serving.serve import serve_studies

    serve_studies(options.protocols, cron=options.cron)
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say what would stop a look."""
    from flows.doctor import run_doctor

    return run_doctor(options.protocols, os.environ, datetime.now(UTC), as_json=options.json)


def prefect(options: argparse.Namespace) -> int:
    """Run Prefect's own command in place of this one."""
    command = [sys.executable, "-m", "prefect", *options.handed_on]
    os.execv(sys.executable, command)  # noqa: S606 - in our place, so that signals reach it


def simulate(options: argparse.Namespace) -> int:
    """Write a simulated study, and print how to look at it."""
    from flows.simulate import simulate

    if options.subjects is not None and options.subjects < 1:
        raise UsageError(f"--subjects: found {options.subjects}; allowed: 1 or more")
    out = simulate(options.scenario, options.out, seed=options.seed, subjects=options.subjects)
    print(f"Simulated study written to {out} (SIMULATED: no real subject). Look at it with:")
    cutoff = json.loads((out / "truth.json").read_text(encoding="utf-8"))["data_cutoff"]
    print(f"  postdose look {out / 'protocol.yaml'} --data-cutoff {cutoff}")
    return 0
