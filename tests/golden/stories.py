"""What happens in each golden transcript, told once; the bytes are computed by the third implementation.

``python -m tests.golden.stories`` writes the computed blocks into docs/protocol.md. The tests compare the
document with them and replay the document, never these stories, against driver and card.
"""

import zlib

from tests.golden import document, stories_card, stories_channel, stories_hid, stories_link
from tests.golden.inputs import BATCH, BATCH_MASTER, ISSUER, QUESTIONS, SEED_32, SUITE_A
from tests.golden.teller import HidTeller, Teller
from tests.golden.third import Channel, check_value, kcv, ocra, put_key_answer, put_key_data

STORIES = {
    tell.__name__.replace("_", "-"): tell
    for tell in (*stories_link.STORIES, *stories_channel.STORIES, *stories_card.STORIES, *stories_hid.STORIES)
}


def bodies() -> dict[str, str]:
    """Return every transcript's computed body by its name."""
    told = {}
    for number, (name, tell) in enumerate(STORIES.items(), 1):
        teller = HidTeller(number) if tell in stories_hid.STORIES else Teller(number)
        tell(teller)
        told[name] = "".join(teller.lines())
    return told


def worked_example() -> dict[str, bytes]:
    """Return every intermediate value of the first secure channel of personalise-aes-128."""
    told = document.parse("", bodies()["personalise-aes-128"])
    host_challenge = told.fixed("challenge")[0]
    channel = Channel(BATCH, host_challenge, 1)
    first_frame = told.steps[0][1]
    assert isinstance(first_frame, bytes)
    return {
        "CRC of the INIT": zlib.crc32(bytes(5) + b"\x06" + told.fixed("nonce")[0]).to_bytes(4, "big"),
        "INIT, framed": first_frame,
        "master": BATCH_MASTER,
        "Key-ENC": BATCH.enc,
        "Key-MAC": BATCH.mac,
        "Key-DEK": BATCH.dek,
        "KCV(Key-ENC)": kcv(BATCH.enc),
        "host challenge": host_challenge,
        "card challenge": channel.card_challenge,
        "S-ENC": channel.s_enc,
        "S-MAC": channel.s_mac,
        "S-RMAC": channel.s_rmac,
        "card cryptogram": channel.card_cryptogram,
        "host cryptogram": channel.host_cryptogram,
        "EXTERNAL AUTHENTICATE": channel.external_authenticate(),
        "chaining value": channel.chain,
        "PUT KEY, data": put_key_data(BATCH, ISSUER),
        "PUT KEY, wrapped": channel.command(bytes.fromhex("80D80181"), put_key_data(BATCH, ISSUER)),
        "PUT KEY, answer": channel.answer(put_key_answer(ISSUER), 0x9000),
        "seed": SEED_32,
        "check value": check_value(SEED_32),
        "question": QUESTIONS[0].encode(),
        "response": ocra(SUITE_A, SEED_32, QUESTIONS[0]).encode(),
    }


if __name__ == "__main__":
    text = document.PATH.read_text("utf-8")
    text = document.replace_blocks(text, bodies())
    document.PATH.write_text(document.replace_worked_example(text, worked_example()), "utf-8")
