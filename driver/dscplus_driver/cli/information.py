"""dsc info, wink, ping, diagnose."""

import secrets
import time
from dataclasses import asdict
from typing import Any

import click

from ..card import Card
from ..errors import CardUnfit
from ..link.frames import MAX_PAYLOAD
from ..model import Tag
from .common import card_options, example, json_option, key_version_text, open_card, result, say, tries_text


@click.command("info", epilog=example("dsc info --port /dev/ttyACM0\ndsc info --serial 0000000018 --json"))
@card_options
@json_option
def info_command(ports: tuple[str, ...], serial_number: str | None, as_json: bool) -> None:
    """Show what a card says about itself, in the clear: serial number, life cycle, keys, PIN tries, suite,
    battery.

    These are the card's own words; `dsc keys status` reads the same under its keys. Nothing is changed.
    """
    with open_card(ports, serial_number) as card:
        document = _read(card)
    tries = document["pin_tries_left"]
    lines = {
        "serial number": document["serial_number"],
        "life cycle": document["life_cycle"],
        "key version": document["key_version"] and f"{document['key_version']:02X}",
        "profile": document["profile"],
        "suite": document["suite"],
        "PIN tries left": "no PIN on the card" if tries is None else tries,
        "quota left": document["quota_left"],
        "firmware": document["firmware_version"],
        "battery": f"{document['battery']['millivolts']} mV",
        "language": document["language"],
        "text": document["text"],
        "port": document["port"],
    }
    result(document, as_json, lines)


def _read(card: Card) -> dict[str, Any]:
    keys, personality, tries = card.key_information(), card.personality(), card.pin_tries()
    return {
        "format": "dsc.info/1",
        "port": card.url,
        "serial_number": card.serial_number,
        "life_cycle": card.life_cycle().name,
        "key_version": keys and keys.key_version,
        "key_length": keys and keys.key_length,
        "sequence_counter": card.sequence_counter(),
        "profile": personality and personality.profile.label,
        "suite": personality and personality.suite,
        "pin_tries_left": tries and tries.left,
        "pin_tries_limit": tries and tries.limit,
        "quota_left": card.quota_left(),
        "firmware_version": card.firmware_version(),
        "battery": asdict(card.battery()),
        "counters": asdict(card.counters()),
        "boot_id": card.get_data(Tag.BOOT_ID).hex(),
        "language": card.language(),
        "text": card.text(),
    }


@click.command("wink", epilog=example("dsc wink --serial 0000000018"))
@card_options
@json_option
def wink_command(ports: tuple[str, ...], serial_number: str | None, as_json: bool) -> None:
    """Let a card blink, to tell it from others on the bench. Ctrl-C stops it."""
    with open_card(ports, serial_number) as card:
        card.wink()
        document = {"format": "dsc.wink/1", "port": card.url, "serial_number": card.serial_number}
    result(document, as_json)


@click.command("ping", epilog=example("dsc ping --port tcp://127.0.0.1:7001 --count 100 --size 512"))
@card_options
@click.option("--count", type=click.IntRange(1, 100_000), default=4, show_default=True, help="Round trips.")
@click.option(
    "--size", type=click.IntRange(0, MAX_PAYLOAD), default=64, show_default=True, help="Bytes of payload."
)
@json_option
def ping_command(
    ports: tuple[str, ...], serial_number: str | None, count: int, size: int, as_json: bool
) -> None:
    """Send random bytes to the card and back, check them, and show how long that took."""
    milliseconds = []
    with open_card(ports, serial_number) as card:
        card.ping(b"")  # opens the session, which is not to be measured
        for _ in range(count):
            started = time.monotonic()
            card.ping(secrets.token_bytes(size))
            milliseconds.append(round((time.monotonic() - started) * 1000, 3))
        document = {
            "format": "dsc.ping/1",
            "port": card.url,
            "size": size,
            "count": count,
            "milliseconds": {
                "least": min(milliseconds),
                "most": max(milliseconds),
                "mean": sum(milliseconds) / count,
            },
        }
    times = f"{min(milliseconds):.1f} / {sum(milliseconds) / count:.1f} / {max(milliseconds):.1f} ms"
    result(document, as_json, f"{count} × {size} bytes there and back: least / mean / most {times}")


@click.command("diagnose", epilog=example("dsc diagnose --port /dev/ttyACM0"))
@card_options
@json_option
def diagnose_command(ports: tuple[str, ...], serial_number: str | None, as_json: bool) -> None:
    """Check the link with a large PING, let the card test itself and measure its battery, and show its
    counters.

    Exit code 1 if the self-test failed.
    """
    with open_card(ports, serial_number) as card:
        say("checking the link …")
        card.ping(secrets.token_bytes(MAX_PAYLOAD))
        say("self-test …")
        self_test = card.self_test()
        battery, counters = card.measure_battery(), card.counters()
        document = {
            "format": "dsc.diagnose/1",
            "port": card.url,
            "serial_number": card.serial_number,
            "link": "ok",
            "self_test": "ok" if self_test == 0 else f"failed: {self_test:02X}",
            "battery": asdict(battery),
            "counters": asdict(counters),
        }
        lines = {
            "serial number": card.serial_number,
            "link": "ok",
            "self-test": document["self_test"],
            "battery": f"{battery.millivolts} mV, under load {battery.millivolts_under_load} mV",
            "keys": key_version_text(card.key_information()),
            "PIN": tries_text(card.pin_tries()),
            **{name.replace("_", " "): value for name, value in asdict(counters).items()},
        }
        if self_test:
            where, advice = card.where, "Keep the card aside and replace it."
            result(document, as_json, lines)
            raise CardUnfit(f"the self-test failed ({self_test:02X})", where=where, advice=advice)
    result(document, as_json, lines)
