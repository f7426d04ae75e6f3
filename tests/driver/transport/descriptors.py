"""Report descriptors, byte by byte (HID 1.11, 6.2.2)."""

CARD = bytes.fromhex(
    "0600FF 0901 A101"  # usage page FF00, usage 01, collection (application)
    "0920 1500 26FF00 7508 9540 8102"  # input: 64 times 8 bits
    "0921 1500 26FF00 7508 9540 9102"  # output: likewise
    "C0"
)
FIDO_KEY = CARD.replace(bytes.fromhex("0600FF"), bytes.fromhex("06D0F1"))
OTHER_USAGE = CARD.replace(bytes.fromhex("0901A101"), bytes.fromhex("0902A101"))
SHORT_REPORTS = CARD.replace(bytes.fromhex("9540"), bytes.fromhex("9520"))
NO_OUTPUT = CARD[: CARD.index(bytes.fromhex("0921"))] + b"\xc0"
WITH_REPORT_ID = CARD.replace(bytes.fromhex("A101"), bytes.fromhex("A1018501"))
PAGE_IN_USAGE = CARD.replace(bytes.fromhex("0600FF0901"), bytes.fromhex("05010B010000FF"))
NESTED = CARD[:7] + bytes.fromhex("05010902A102C0") + CARD[7:]
LONG_ITEM = b"\xfe\x03\x00ABC" + CARD
KEYBOARD = bytes.fromhex(
    "05010906A101050719E029E71500250175019508810295017508810395057501050819012905910295017503"
    "91039506750815002565050719002965810000C0".replace(" ", "")
)
