"""dsc watch."""

import json

import click

from .common import example, say
from .listing import place_document


@click.command("watch", epilog=example("dsc watch\ndsc watch --json | jq -r .serial_number"))
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object an event (JSON Lines).")
def watch_command(as_json: bool) -> None:
    """Tell which cards come to USB, go and change, beginning with those that are there; Ctrl-C ends it.

    A card appears when it can be opened, or after two seconds with what is wrong with it. No card is opened.
    """
    from ..discovery import watch

    with watch() as events:
        say("watching for cards on USB; Ctrl-C ends it")
        try:
            for event in events:
                name, card = type(event).__name__.lower(), event.card
                problem = card.error()
                if as_json:
                    line = {
                        "format": "dsc.watch/1",
                        "event": name,
                        "serial_number": card.serial_number,
                        "port": card.url,
                        **place_document(card),
                        "problem": problem and str(problem),
                    }
                    print(json.dumps(line), flush=True)
                else:
                    place = card.id_path or card.place
                    told = problem or card.url
                    print(f"{name:<8}  {card.serial_number or '?':<10}  {place}  {told}", flush=True)
        except KeyboardInterrupt:
            return
