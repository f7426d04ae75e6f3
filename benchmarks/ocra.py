"""OCRA responses a second: driver and card beside what nobody can avoid, and beside PyPI's `oath`."""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable, Sequence
from typing import Any

import oath  # type: ignore[import-untyped]

from dscplus_card import ocra as card_ocra
from dscplus_card.flash import MemoryFlash
from dscplus_card.hosts.port_cpython import CPythonPort
from dscplus_driver import ocra as driver_ocra
from dscplus_driver.sensitive import Seed

from .measure import Subject, interleave
from .records import Section, rate

SUITE = "OCRA-1:HOTP-SHA256-8:QN06"
SEED = bytes(range(32))
QUESTIONS = 1000

Responder = Callable[[str], str]


def measure() -> Section:
    """Each answers the same questions, under profile A's suite; the suite is parsed beforehand by all."""
    draw = random.Random(0)
    questions = [f"{draw.randrange(10**6):06d}" for _ in range(QUESTIONS)]
    messages = [_data_input(question) for question in questions]
    seed = Seed(SEED)
    suite = driver_ocra.Suite.parse(SUITE)
    oath_suite = oath.str2ocrasuite(SUITE)
    port = CPythonPort(MemoryFlash())
    card_suite = card_ocra.Suite(SUITE)

    responders: dict[str, Responder] = {
        "driver": lambda question: driver_ocra.respond(suite, seed, question),
        "card core": lambda question: card_ocra.response(port, card_suite, SEED, question.encode(), 0, b""),
        "oath": lambda question: oath_suite(SEED, Q=question),
    }
    for question in questions:
        answers = {name: respond(question) for name, respond in responders.items()}
        if len(set(answers.values())) != 1:
            raise RuntimeError(f"the responses to {question} differ, nothing to compare: {answers}")

    seconds = interleave(
        [
            Subject("hmac.digest", _repeat(lambda message: hmac.digest(SEED, message, "sha256"), messages)),
            *(Subject(name, _repeat(respond, questions)) for name, respond in responders.items()),
        ]
    )
    hmac_alone = {"hmac.digest": seconds["hmac.digest"]}
    beside = hmac_alone | {"oath": seconds["oath"]}
    return Section(
        "OCRA responses, profile A",
        (
            rate("hmac.digest alone", seconds["hmac.digest"]),
            rate("driver", seconds["driver"], beside),
            rate("card core", seconds["card core"], beside),
            rate("oath", seconds["oath"], hmac_alone),
        ),
    )


def _data_input(question: str) -> bytes:
    """RFC 6287, 5.1, for this suite: suite ‖ 00 ‖ the question's nibbles, filled with zeros to 128 bytes."""
    return SUITE.encode() + b"\x00" + bytes.fromhex(f"{int(question):x}".ljust(256, "0"))


def _repeat(act: Callable[[Any], object], inputs: Sequence[Any]) -> Callable[[int], None]:
    def run(times: int) -> None:
        for i in range(times):
            act(inputs[i % QUESTIONS])

    return run
