"""The fixed inputs of the golden transcripts: public test vectors only (docs/protocol.md, 15.1)."""

from tests.golden.third import Keys

SERIAL = "0000000018"
BOOT_ID = bytes.fromhex("b007b007b007b007")

# Masters: GlobalPlatform's test key, and the keys of NIST SP 800-38A and FIPS 197.
BATCH_MASTER = bytes(range(0x40, 0x50))
BATCH_MASTER_256 = bytes(range(0x40, 0x60))
ISSUER_MASTER = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
ISSUER_MASTER_256 = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
RESTOCK_MASTER = bytes(range(16))

BATCH = Keys.of_card(BATCH_MASTER, 0x01, SERIAL)
BATCH_256 = Keys.of_card(BATCH_MASTER_256, 0x01, SERIAL)
ISSUER = Keys.of_card(ISSUER_MASTER, 0x20, SERIAL)
ISSUER_256 = Keys.of_card(ISSUER_MASTER_256, 0x20, SERIAL)
RESTOCK = Keys.of_card(RESTOCK_MASTER, 0x10, SERIAL)

# Seeds: the keys of RFC 6287, appendix C.
SEED_20 = b"12345678901234567890"
SEED_32 = b"12345678901234567890123456789012"
SEED_64 = b"1234567890123456789012345678901234567890123456789012345678901234"

SUITE_A = "OCRA-1:HOTP-SHA256-8:QN06"
SUITE_B = "OCRA-1:HOTP-SHA256-8:QN06-PSHA256"
PIN = "0451"
WRONG_PIN = "0452"
QUESTIONS = ("007919", "123456", "999999")
