"""Status words (ISO 7816-4) as the card uses them."""

SUCCESS = 0x9000
FLASH_FAILED = 0x6581
WRONG_LENGTH = 0x6700
SECURITY_STATUS = 0x6982
BLOCKED = 0x6983
REFERENCE_DATA_INVALIDATED = 0x6984
CONDITIONS = 0x6985
WRONG_DATA = 0x6A80
FILE_NOT_FOUND = 0x6A82
WRONG_P1_P2 = 0x6A86
NOT_FOUND = 0x6A88
INS_NOT_SUPPORTED = 0x6D00
CLA_NOT_SUPPORTED = 0x6E00

MEANINGS = {
    SUCCESS: "done",
    FLASH_FAILED: "the card's memory failed",
    WRONG_LENGTH: "wrong length",
    SECURITY_STATUS: "no secure channel, or it is broken",
    BLOCKED: "blocked",
    REFERENCE_DATA_INVALIDATED: "the card keeps no PIN, or none is set",
    CONDITIONS: "not in this life cycle state, not with this key version, or the quota is used up",
    WRONG_DATA: "wrong data",
    FILE_NOT_FOUND: "no such application",
    WRONG_P1_P2: "wrong parameters P1-P2",
    NOT_FOUND: "no such object or key version",
    INS_NOT_SUPPORTED: "no such command",
    CLA_NOT_SUPPORTED: "no such class of commands",
}


def meaning(status_word: int) -> str:
    """Return what a status word means, in a few words."""
    if is_tries_left(status_word):
        return f"wrong PIN, {status_word & 0xF} tries left"
    return MEANINGS.get(status_word, "not a status word of this card")


def is_tries_left(status_word: int) -> bool:
    """Tell whether the word is 63Cx: wrong PIN, x tries left."""
    return status_word & 0xFFF0 == 0x63C0


def carries_mac(status_word: int) -> bool:
    """Tell whether an answer with this word must carry an R-MAC: 9000, 62xx, 63xx (Amendment D, 6.2.5)."""
    return status_word == SUCCESS or status_word >> 8 in (0x62, 0x63)
