"""What a card keeps and says, whatever it is sent."""

import re

from dscplus_card import state
from tests.golden import document

KEPT_BY_ANY_PLAIN_BYTES = (
    *(state.SERIAL_NUMBER, state.LIFE_CYCLE, state.KEY_VERSION, state.KEY_ENC, state.KEY_MAC, state.KEY_DEK),
    *(state.PROFILE, state.SUITE, state.SEED, state.PIN, state.TRIES_LEFT, state.QUOTA, state.WIPES),
)


def documented_status_words() -> set[int]:
    """The status words of docs/protocol.md, section 8."""
    section = document.PATH.read_text("utf-8").split("## 8 Status words")[1].split("\n## ")[0]
    words = set(re.findall(r"^\| ([0-9A-F]{4}) \|", section, re.MULTILINE))
    return {int(word, 16) for word in words} | {0x63C0 + left for left in range(5)}


STATUS_WORDS = documented_status_words()
