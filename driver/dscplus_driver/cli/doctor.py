"""dsc doctor."""

import sys

import click

from ..errors import UsageError
from .common import example, json_option, result


@click.command("doctor", epilog=example("dsc doctor\ndsc doctor --json"))
@json_option
def doctor_command(as_json: bool) -> None:
    """Tell why a card is not seen or cannot be opened, and what to type.

    Looks at libraries, udev rules, drivers, device nodes, permissions and other programs. Changes nothing and
    speaks to no card. Exit code 0 if all is well, 1 if something is not, 3 if there is no card on USB.
    """
    if sys.platform != "linux":
        raise UsageError("the doctor knows Linux only", advice="Run `dsc list` to see what can be opened.")
    from ..discovery import discover
    from ..doctor import examine
    from ..doctor.collect import collect
    from ..udev.system import System

    facts = collect(System(), discover())
    verdicts = examine(facts)
    document = {
        "format": "dsc.doctor/1",
        "healthy": not any(verdict.findings for verdict in verdicts),
        "cards": [{"serial_number": card.serial_number, "where": card.where} for card in facts.cards],
        "checks": [
            {
                "check": verdict.check.name,
                "ok": not verdict.findings,
                "findings": [
                    {"what": finding.what, "do": finding.do, "type": finding.type_this or None}
                    for finding in verdict.findings
                ],
            }
            for verdict in verdicts
        ],
    }
    lines = []
    for verdict in verdicts:
        if not verdict.findings:
            lines.append(f"✓ {verdict.check.good}")
        for finding in verdict.findings:
            lines.append(f"✗ {finding.what[:1].upper()}{finding.what[1:]}.")
            lines.append(f"    {finding.do}")
            if finding.type_this:
                lines.append(f"      {finding.type_this}")
    result(document, as_json, "\n".join(lines))
    if not facts.cards:
        raise click.exceptions.Exit(3)
    if not document["healthy"]:
        raise click.exceptions.Exit(1)
