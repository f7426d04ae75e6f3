"""dsc keys: personalise, test and wipe a card without a station."""

from collections.abc import Callable

import click

from .. import personalisation, retire
from ..errors import CardUnfit
from ..evidence import CardEvidence
from ..model import LifeCycle, PinTries, Profile
from ..recovery import open_any, until_known
from ..session import SecureSession
from .common import ask, card_options, example, json_option, open_card, result, say, tries_text, yes_option
from .inputs import read_pin, read_seed
from .keyring import Keyring, key_options

PERSONALISED = (LifeCycle.INITIALIZED, LifeCycle.SECURED, LifeCycle.CARD_LOCKED)
TESTABLE = (LifeCycle.INITIALIZED, LifeCycle.SECURED)
_PROFILES = {profile.label: profile for profile in Profile}

Ports = tuple[str, ...]
pin_file_option = click.option(
    "--pin-file",
    metavar="F",
    help="File with the PIN's four digits; - for standard input. Without it: asked for.",
)


@click.group("keys")
def keys_command() -> None:
    """Keys, seed and PIN of one card: personalise it, test it, wipe it; without a station.

    A card's own keys are derived (KDF3) from a master: the maker's batch master for a blank card, your issuer
    master afterwards. A master key file holds the key in hexadecimal (16 or 32 bytes) and optionally a line
    `kvn 20` with its key version number in hexadecimal. Keep them where only you can read them. Lose the
    issuer master, and its cards can be managed no more.
    """


@keys_command.command(
    "put",
    epilog=example("dsc keys put --port /dev/ttyACM0 --card-key-file batch.key --issuer-key-file issuer.key"),
)
@card_options
@key_options("card", "issuer")
@json_option
def put(ports: Ports, serial_number: str | None, as_json: bool, keyring: Keyring) -> None:
    """Put the issuer's keys in place of the card's transport or restock keys. The card must be blank
    (OP_READY).

    Transport keys never come back onto a card. A card that has the issuer's keys already is left as it is.
    """
    with open_card(ports, serial_number) as card:
        issuer, present = keyring.issuer(card.serial_number), keyring.card(card.serial_number)

        def once(_fresh: bool) -> bool:
            with open_any(card, (issuer, *present)) as session:
                if session.key_version == issuer.version:
                    return False
                _require(session.evidence(), (LifeCycle.OP_READY,))
                session.put_key(issuer)
                return True

        changed = until_known(card, once)
        document = {
            "format": "dsc.keys.put/1",
            "port": card.url,
            "serial_number": card.serial_number,
            "key_version": issuer.version,
            "changed": changed,
        }
    state = "now has" if changed else "already had"
    result(
        document, as_json, f"card {document['serial_number']} {state} keys of version {issuer.version:02X}"
    )


@keys_command.command(
    "inject",
    epilog=example(
        "dsc keys inject --port /dev/ttyACM0 --card-key-file batch.key --issuer-key-file issuer.key \\\n"
        "    --seed-file seed.hex --pin-file pin.txt"
    ),
)
@card_options
@key_options("card", "issuer")
@click.option(
    "--seed-file",
    required=True,
    metavar="F",
    help="Seed: 20 to 64 bytes in hexadecimal; - for standard input.",
)
@pin_file_option
@click.option("--profile", type=click.Choice(list(_PROFILES)), default="card-pin", show_default=True)
@click.option("--language", default="", metavar="TAG", help="Language tag, such as en or es.")
@click.option("--text", default="", help="Text for the card, at most 16 characters.")
@json_option
def inject(
    ports: Ports,
    serial_number: str | None,
    as_json: bool,
    keyring: Keyring,
    seed_file: str,
    pin_file: str | None,
    profile: str,
    language: str,
    text: str,
) -> None:
    """Personalise a card: keys, seed, PIN; prove them by three questions and the PIN; secure it.

    Starts from any state and repeats only what is missing: after an unplug, run the same line again. A card
    with another seed is refused: wipe it first. With profile server-pin the card keeps no PIN; the PIN only
    enters the three responses.
    """
    seed, pin = read_seed(seed_file), read_pin(pin_file, confirm=True)
    steps: list[str] = []

    def on_step(step: personalisation.Step) -> None:
        steps.append(step.value)
        say(f"  {step.value}")

    with open_card(ports, serial_number) as card:
        say(f"card {card.serial_number} at {card.url}")
        plan = personalisation.Plan(
            card_keys=keyring.card(card.serial_number),
            issuer_keys=keyring.issuer(card.serial_number),
            seed=seed,
            pin=pin,
            profile=_PROFILES[profile],
            language=language,
            text=text,
        )
        done = personalisation.personalise(card, plan, on_step=on_step)
        document = {
            "format": "dsc.keys.inject/1",
            "port": card.url,
            "serial_number": done.serial_number,
            "key_version": done.key_version,
            "check_value": done.check_value.hex(),
            "profile": profile,
            "life_cycle": LifeCycle.SECURED.name,
            "steps": steps,
        }
    result(document, as_json, f"card {done.serial_number} is personalised and secured")


@keys_command.command(
    "set-pin",
    epilog=example("dsc keys set-pin --port /dev/ttyACM0 --issuer-key-file issuer.key --pin-file pin.txt"),
)
@card_options
@key_options("issuer")
@pin_file_option
@json_option
def set_pin(
    ports: Ports, serial_number: str | None, as_json: bool, keyring: Keyring, pin_file: str | None
) -> None:
    """Set a new PIN and restore its tries (profile card-pin)."""
    pin = read_pin(pin_file, confirm=True)
    _change_pin("set-pin", ports, serial_number, as_json, keyring, lambda session: session.set_pin(pin))


@keys_command.command(
    "unblock", epilog=example("dsc keys unblock --port /dev/ttyACM0 --issuer-key-file issuer.key")
)
@card_options
@key_options("issuer")
@json_option
def unblock(ports: Ports, serial_number: str | None, as_json: bool, keyring: Keyring) -> None:
    """Restore the tries of the PIN that is set, without changing it (profile card-pin)."""
    _change_pin("unblock", ports, serial_number, as_json, keyring, lambda session: session.unblock_pin())


@keys_command.command(
    "respond", epilog=example("dsc keys respond 123456 --port /dev/ttyACM0 --issuer-key-file issuer.key")
)
@card_options
@key_options("issuer")
@click.argument("question")
@pin_file_option
@json_option
def respond(
    ports: Ports,
    serial_number: str | None,
    as_json: bool,
    keyring: Keyring,
    question: str,
    pin_file: str | None,
) -> None:
    """Ask the card for its response to a question, as the keypad would, and print it.

    Each draws on a quota of 32 that only a wipe restores. A card of profile server-pin needs a PIN for it.
    """
    with (
        open_card(ports, serial_number) as card,
        card.open_session(keyring.issuer(card.serial_number)) as session,
    ):
        evidence = session.evidence()
        _require(evidence, TESTABLE)
        personality = evidence.personality
        if personality is None:
            raise CardUnfit(
                "the card has no seed", where=card.where, advice="Personalise it: dsc keys inject."
            )
        pin = None if personality.profile.keeps_pin else read_pin(pin_file, confirm=False)
        response = session.respond(question, pin)
        document = {
            "format": "dsc.keys.respond/1",
            "port": card.url,
            "serial_number": card.serial_number,
            "question": question,
            "response": response,
            "quota_left": evidence.quota_left - 1,
        }
    result(document, as_json, response)


@keys_command.command(
    "status", epilog=example("dsc keys status --port /dev/ttyACM0 --issuer-key-file issuer.key")
)
@card_options
@key_options("issuer", "card")
@json_option
def status(ports: Ports, serial_number: str | None, as_json: bool, keyring: Keyring) -> None:
    """Read the card's state under its keys, so that nobody can have changed it on the way. Nothing is
    changed.
    """
    with open_card(ports, serial_number) as card, open_any(card, keyring.any(card.serial_number)) as session:
        found = session.evidence()
        document = {"format": "dsc.keys.status/1", "port": card.url, **_evidence_document(found)}
    lines = {
        "serial number": found.serial_number,
        "key version": f"{found.key_version:02X}",
        "life cycle": found.life_cycle.name,
        "profile": found.personality and found.personality.profile.label,
        "suite": found.personality and found.personality.suite,
        "seed check value": found.check_value.hex(),
        "PIN": tries_text(found.pin_tries),
        "quota left": found.quota_left,
        "sequence counter": found.sequence_counter,
    }
    result(document, as_json, lines)


@keys_command.command(
    "wipe",
    epilog=example(
        "dsc keys wipe --port /dev/ttyACM0 --issuer-key-file issuer.key --restock-key-file restock.key"
    ),
)
@card_options
@key_options("issuer", "restock")
@yes_option
@json_option
def wipe(ports: Ports, serial_number: str | None, as_json: bool, keyring: Keyring, yes: bool) -> None:
    """Erase seed, PIN and text, and prove it; with --restock-key-file, put those keys in place of the
    issuer's too.

    Keys and counters stay otherwise. The card is blank (OP_READY) afterwards and can be personalised again.
    """
    with open_card(ports, serial_number) as card:
        issuer, restock = keyring.issuer(card.serial_number), keyring.restock(card.serial_number)
        ask(f"Wipe card {card.serial_number} at {card.url}?", yes=yes)
        if restock:
            retire.restock(card, issuer, restock, on_step=lambda step: say(f"  {step.value}"))
        else:
            retire.wipe(card, issuer)
        document = {
            "format": "dsc.keys.wipe/1",
            "port": card.url,
            "serial_number": card.serial_number,
            "life_cycle": LifeCycle.OP_READY.name,
            "key_version": (restock or issuer).version,
        }
    result(document, as_json, f"card {document['serial_number']} is wiped, and proven so")


@keys_command.command(
    "terminate", epilog=example("dsc keys terminate --port /dev/ttyACM0 --issuer-key-file issuer.key")
)
@card_options
@key_options("issuer", "card")
@yes_option
@json_option
def terminate(ports: Ports, serial_number: str | None, as_json: bool, keyring: Keyring, yes: bool) -> None:
    """End the card for ever: seed, PIN and keys are erased. It can never be used again."""
    with open_card(ports, serial_number) as card:
        key_sets = keyring.any(card.serial_number)
        ask(f"End card {card.serial_number} at {card.url} for ever?", yes=yes)
        retire.scrap(card, key_sets)
        document = {
            "format": "dsc.keys.terminate/1",
            "port": card.url,
            "serial_number": card.serial_number,
            "life_cycle": LifeCycle.TERMINATED.name,
        }
    result(document, as_json, f"card {document['serial_number']} is terminated")


def _change_pin(
    name: str,
    ports: Ports,
    serial_number: str | None,
    as_json: bool,
    keyring: Keyring,
    change: Callable[[SecureSession], None],
) -> None:
    """Set or unblock the PIN; both may be repeated, so a lost answer is recovered by doing it again."""
    with open_card(ports, serial_number) as card:
        issuer = keyring.issuer(card.serial_number)

        def once(_fresh: bool) -> PinTries | None:
            with card.open_session(issuer) as session:
                found = session.evidence()
                _require(found, PERSONALISED)
                if found.personality is None or not found.personality.profile.keeps_pin:
                    raise CardUnfit(
                        "the card keeps no PIN", where=card.where, advice="Its server checks the PIN."
                    )
                if name == "unblock" and found.pin_tries is None:
                    raise CardUnfit("no PIN is set", where=card.where, advice="Set one: dsc keys set-pin.")
                change(session)
                return session.pin_tries()

        tries = until_known(card, once)
        document = {
            "format": f"dsc.keys.{name}/1",
            "port": card.url,
            "serial_number": card.serial_number,
            "pin_tries_left": tries and tries.left,
        }
    done = {"set-pin": "has a new PIN", "unblock": "is unblocked"}[name]
    result(document, as_json, f"card {document['serial_number']} {done}; {tries_text(tries)}")


def _require(evidence: CardEvidence, states: tuple[LifeCycle, ...]) -> None:
    """Refuse clearly, on authenticated ground, what the card would refuse by a bare word."""
    if evidence.life_cycle not in states:
        names = " or ".join(state.name for state in states)
        raise CardUnfit(
            f"the card is {evidence.life_cycle.name}; this needs {names}",
            where=f"card {evidence.serial_number}",
        )


def _evidence_document(evidence: CardEvidence) -> dict[str, object]:
    personality, tries = evidence.personality, evidence.pin_tries
    return {
        "serial_number": evidence.serial_number,
        "key_version": evidence.key_version,
        "life_cycle": evidence.life_cycle.name,
        "profile": personality and personality.profile.label,
        "suite": personality and personality.suite,
        "check_value": evidence.check_value.hex() or None,
        "pin_tries_left": tries and tries.left,
        "pin_tries_limit": tries and tries.limit,
        "quota_left": evidence.quota_left,
        "sequence_counter": evidence.sequence_counter,
    }
