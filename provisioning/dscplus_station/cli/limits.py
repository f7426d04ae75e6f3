"""`dsc-station limits`: what each type of device admits; codes by SMS."""

import dataclasses

import click

from dscplus_station.cli.common import DOLLARS, Desk, command, fail, table
from dscplus_station.devices.rules import DeviceType
from dscplus_station.errors import BadInput
from dscplus_station.limits import service, sms
from dscplus_station.limits.rules import GATE_TOLD, WITHDRAWAL_LIMITS, Gate, dollars
from dscplus_station.notices.configuration import station_gateways
from dscplus_station.notices.rules import Channel


@click.group()
def limits() -> None:
    """What each type of device admits (R20, R21); codes by SMS (R22)."""


@limits.command("list")
@command
def list_limits(desk: Desk) -> None:
    """The withdrawal limits by type of device; null in JSON is without limit.

    \b
    Example:
      dsc-station limits list --json
    """
    desk.tell(
        "limits",
        {
            "limits": [
                {
                    "type": kind,
                    "per_day_cents": one.per_day,
                    "per_five_business_days_cents": one.per_five_business_days,
                }
                for kind, one in WITHDRAWAL_LIMITS.items()
            ]
        },
        lambda: table(
            ("type", "per day", "per 5 business days"),
            [
                (kind, dollars(one.per_day), dollars(one.per_five_business_days))
                for kind, one in WITHDRAWAL_LIMITS.items()
            ],
            "no limits",
        ),
    )


@limits.command("show")
@click.argument("user")
@command
def show(desk: Desk, user: str) -> None:
    """What a user may withdraw today, with each type of device that is active for this user.

    \b
    Example:
      dsc-station limits show alice
    """
    found = service.leeway(desk.station, user)
    desk.tell(
        "leeway",
        {"user": user, "leeway": [dataclasses.asdict(one) for one in found]},
        lambda: table(
            ("type", "spent today", "spent since", "", "left"),
            [
                (
                    one.device_type,
                    dollars(one.spent_today),
                    one.window_from,
                    dollars(one.spent_in_window),
                    dollars(one.left),
                )
                for one in found
            ],
            "nothing",
        ),
    )


@limits.command("withdraw")
@click.argument("user")
@click.argument("amount", type=DOLLARS)
@click.option("--type", "kind", type=click.Choice([one.value for one in DeviceType]), required=True)
@click.option("--reference", required=True, help="The portal's; the same one again counts once.")
@command
def withdraw(desk: Desk, user: str, amount: int, kind: str, reference: str) -> None:
    """Let a withdrawal of AMOUNT US dollars pass and count it; exit 4 if it is more than is left.

    \b
    Example:
      dsc-station limits withdraw alice 50000.00 --type DSC+ --reference W-1
    """
    after = service.withdraw(desk.station, desk.actor(), user, DeviceType(kind), amount, reference)
    desk.tell(
        "withdrawal",
        {"reference": reference, "amount_cents": amount} | dataclasses.asdict(after),
        lambda: click.echo(f"{dollars(amount)} passes; left: {dollars(after.left)}"),
    )


@limits.command("deposit")
@click.argument("user")
@click.argument("amount", type=DOLLARS)
@click.option("--reference", required=True, help="The portal's; the same one again counts once.")
@command
def deposit(desk: Desk, user: str, amount: int, reference: str) -> None:
    """Let a deposit by ACH or EFT of AMOUNT US dollars pass and count it (R21).

    \b
    Example:
      dsc-station limits deposit alice 20000 --reference D-1
    """
    service.deposit(desk.station, desk.actor(), user, amount, reference)
    desk.tell(
        "deposit",
        {"reference": reference, "user": user, "amount_cents": amount},
        lambda: click.echo(f"{dollars(amount)} passes"),
    )


@limits.command("gate")
@click.argument("user")
@click.argument("gate", type=click.Choice([one.value for one in Gate]))
@command
def gate(desk: Desk, user: str, gate: str) -> None:
    """Whether a user may do what only enrolled users may (R21): exit 4 if not.

    \b
    Example:
      dsc-station limits gate alice email
    """
    service.require_gate(desk.station, user, Gate(gate))
    desk.tell(
        "gate",
        {"user": user, "gate": gate, "open": True},
        lambda: click.echo(f"{user} may {GATE_TOLD[Gate(gate)]}"),
    )


@limits.command("sms-begin")
@click.argument("user")
@click.argument("number")
@command
def sms_begin(desk: Desk, user: str, number: str) -> None:
    """Send a code to a mobile NUMBER, by the gateway of [notices.sms] (R22).

    \b
    Example:
      dsc-station limits sms-begin alice +12025550123
    """
    gateway = station_gateways(desk.station).get(Channel.SMS)
    if gateway is None:
        raise BadInput("no gateway for SMS: say [notices.sms] in station.toml")
    expires = sms.begin(desk.station, desk.actor(), desk.keystore, gateway, user, number)
    desk.tell(
        "sms-code", {"user": user, "expires_at": expires}, lambda: click.echo(f"a code was sent to {user}")
    )


@limits.command("sms-confirm")
@click.argument("user")
@click.argument("code")
@command
def sms_confirm(desk: Desk, user: str, code: str) -> None:
    """Confirm the number by the CODE that was sent there: exit 0 only if it is right (R22).

    \b
    Example:
      dsc-station limits sms-confirm alice 402817
    """
    right = sms.confirm(desk.station, desk.actor(), desk.keystore, user, code)
    desk.tell(
        "sms-confirmation",
        {"user": user, "confirmed": right},
        lambda: click.echo(f"{user}'s number is confirmed" if right else "not confirmed"),
    )
    if not right:
        fail(f"{user}: the code is wrong or has expired", 1)


@limits.command("sms-remove")
@click.argument("user")
@click.option("--reason", required=True, help="Why, for the audit trail.")
@command
def sms_remove(desk: Desk, user: str, reason: str) -> None:
    """Take codes by SMS from a user; the number is erased.

    \b
    Example:
      dsc-station limits sms-remove alice --reason "phone stolen"
    """
    sms.remove(desk.station, desk.actor(), user, reason)
    desk.tell("sms-removed", {"user": user}, lambda: click.echo(f"{user} gets no codes by SMS any more"))
