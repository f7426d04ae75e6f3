"""`dsc-station day`: the day's picture."""

import dataclasses
from datetime import date

import click

from dscplus_station.cli.common import DAY, Desk, command, table
from dscplus_station.day.rules import Picture
from dscplus_station.day.service import picture_of


@click.command("day")
@click.option("--on", type=DAY, help="The day, YYYY-MM-DD; today by default.")
@command
def day(desk: Desk, on: date | None) -> None:
    """The day in figures: cards an hour, first-pass yield, cycle times, failures, slots, activations due.

    \b
    Example:
      dsc-station day --on 2026-11-20 --json
    """
    found = picture_of(desk.station, desk.actor(), on)
    desk.tell("day", dataclasses.asdict(found), lambda: _words(found))


def _words(found: Picture) -> None:
    share = found.first_pass.share
    of = f"{found.first_pass.first_pass} of {found.first_pass.verdicts}"
    click.echo(f"{found.day}: {found.completed} cards")
    click.echo(f"first-pass yield  {'–' if share is None else f'{share:.1%}'} ({of})")
    if found.cycle_times.median is not None:
        median, ninetieth = found.cycle_times.median, found.cycle_times.ninetieth
        click.echo(f"cycle time        median {median:.1f} s, nine in ten within {ninetieth:.1f} s")
    click.echo()
    table(("hour", "cards"), [(one.begins, one.cards) for one in found.hours if one.cards], "no cards")
    table(
        ("failed step", "failures", "cumulative"),
        [(one.step, one.failures, f"{one.cumulative:.0%}") for one in found.failures],
        "no failures",
    )
    table(
        ("slot", "cards", "seconds", "share"),
        [(one.slot, one.cards, f"{one.seconds:.1f}", f"{one.share:.0%}") for one in found.slots],
        "no card was in a slot",
    )
    due: list[tuple[object, int]] = [(one.day, one.cards) for one in found.due if one.cards]
    if found.overdue:
        due.insert(0, ("overdue", found.overdue))
    table(("activates on", "cards"), due, "nothing activates in three weeks")
