"""`dsc-station notices`."""

from typing import Any

import click

from dscplus_station.cli.common import Desk, command, fail
from dscplus_station.cli.lists import listing, tell_list
from dscplus_station.notices import contacts, overview, sending
from dscplus_station.notices.configuration import station_gateways
from dscplus_station.notices.rules import Channel


@click.group()
def notices() -> None:
    """What holders are told by e-mail and text message: list it, send it, say where they are reached."""


@notices.command("list")
@command
@listing("notices")
def list_(desk: Desk, asked: dict[str, str], as_csv: bool) -> None:
    """List deliveries, the newest first; no address and no text is shown.

    \b
    Example:
      dsc-station notices list --state WAITING
    """
    columns = ("order", "kind", "user", "channel", "state", "attempts", "due_at", "sent_at", "trouble")
    tell_list(
        desk, "notices", "notices", asked, as_csv, columns=columns, empty="no notices", key="deliveries"
    )


@notices.command("send")
@command
def send(desk: Desk) -> None:
    """Send what is due, by the gateways in the home's station.toml. Running it again is safe.

    \b
    The settings, for example:
      [notices.email]
      host = "mail.example.com"
      port = 587
      from = "cards@example.com"
      user = "station"
      password_file = "/run/keys/smtp"
      [notices.sms]
      file = "/srv/station/sms.jsonl"

    \b
    Example:
      dsc-station notices send
    """
    gateways = station_gateways(desk.station)
    done = sending.send_due(desk.station, desk.actor(), gateways)
    without = overview.waiting_without(desk.station, [one for one in Channel if one not in gateways])
    document: dict[str, Any] = {
        "sent": done.sent,
        "to_be_repeated": _told(done.to_be_repeated),
        "ended_unsent": _told(done.ended_unsent),
        "waiting_without_gateway": without,
    }
    desk.tell("notices-send", document, lambda: click.echo(f"{len(done.sent)} sent"))
    for channel, number in without.items():
        click.echo(
            f"{number} wait for a gateway: add [notices.{channel.lower()}] to {desk.home.settings_file}",
            err=True,
        )
    for reference, reason in (*done.to_be_repeated, *done.ended_unsent):
        click.echo(f"{reference}: {reason}", err=True)
    if done.to_be_repeated or done.ended_unsent:
        fail(
            f"{len(done.to_be_repeated)} to be tried again, {len(done.ended_unsent)} ended unsent "
            "(dsc-station notices list)",
            1,
        )


@notices.command("contact")
@click.argument("user")
@click.option("--email", help="E-mail address; an empty one removes it.")
@click.option("--mobile", help="Mobile number, as +15550100200; an empty one removes it.")
@click.option("--language", help="ISO 639-1 code, such as es; an empty one: each order's own.")
@command
def contact(desk: Desk, user: str, email: str | None, mobile: str | None, language: str | None) -> None:
    """Say where USER is reached; what is not given stays as it is.

    \b
    Example:
      dsc-station notices contact alice --email alice@example.com --language es
    """
    done = contacts.set_contact(
        desk.station, desk.actor(), user, email=email, mobile=mobile, language=language
    )
    document = {
        "user": user,
        "email": done.email is not None,
        "mobile": done.mobile is not None,
        "language": done.language,
    }
    desk.tell("notices-contact", document, lambda: click.echo(f"{user}: on record"))


def _told(endings: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"reference": reference, "reason": reason} for reference, reason in endings]
