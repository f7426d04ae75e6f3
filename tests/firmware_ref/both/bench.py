"""A card on the bench, and a small host for it: plain Python that CPython and MicroPython share.

The host speaks link and SCP03 by its own code (host side); only CMAC, CBC and the KDF, which have vectors
of their own, are the card's.
"""

import binascii
import gc
import sys

from dscplus_card import cmac, scp03, state
from dscplus_card.device import Device, manufacture
from dscplus_card.flash import MemoryFlash

if sys.implementation.name == "micropython":
    from dscplus_card.port_micropython import MicroPythonPort as MachinePort
else:
    from dscplus_card.hosts.port_cpython import CPythonPort as MachinePort

SERIAL = "0000000018"
TRANSPORT = (bytes(range(0x40, 0x50)), bytes(range(0x50, 0x60)), bytes(range(0x60, 0x70)))
ISSUER = (bytes(range(0x80, 0x90)), bytes(range(0x90, 0xA0)), bytes(range(0xA0, 0xB0)))
ISSUER32 = (bytes(range(0x80, 0xA0)), bytes(range(0x90, 0xB0)), bytes(range(0xA0, 0xC0)))
TRANSPORT_VERSION = 0x01
ISSUER_VERSION = 0x21
SEED = bytes(range(0x01, 0x21))
PIN = b"0042"
SUITE_A = b"OCRA-1:HOTP-SHA256-8:QN06"
SUITE_B = b"OCRA-1:HOTP-SHA256-8:QN06-PSHA256"
PING, MSG, LOCK, INIT, WINK, CANCEL, KEEPALIVE, ERROR = 0x01, 0x03, 0x04, 0x06, 0x08, 0x11, 0x3B, 0x3F


def raises(error, call):
    """Does `call()` raise `error`? (pytest.raises, for both interpreters)"""
    try:
        call()
    except error:
        return True
    return False


class BenchPort(MachinePort):
    """The real machine, but for a clock that stands until it is moved and a repeatable random source."""

    def __init__(self, flash):
        MachinePort.__init__(self, flash)
        self.clock = 1000
        self._drawn = 0

    def now_ms(self):
        return self.clock

    def random(self, n):
        out = b""
        while len(out) < n:
            self._drawn += 1
            out += self.sha256(self._drawn.to_bytes(4, "big"))
        return out[:n]


def blank_flash(keys=TRANSPORT, sector_size=1024, sectors=3):
    """A flash with a card as it leaves the maker."""
    if sys.implementation.name == "micropython":
        gc.collect()  # a test may go through many cards; that heap is small and fragments
    flash = MemoryFlash(sector_size, sectors)
    manufacture(flash, SERIAL, TRANSPORT_VERSION, keys)
    return flash


class Bench:
    """A card on its flash: type on it, look at it, move its clock, pull its battery."""

    def __init__(self, flash=None):
        self.flash = flash or blank_flash()
        self.port = BenchPort(self.flash)
        self.card = Device(self.port)

    def reboot(self):
        """Battery out and in again."""
        self.flash.restore_power()
        self.card = Device(self.port)

    def type(self, *keys):
        """Press keys; "123456" presses each digit. Gives the display afterwards."""
        for key in keys:
            for one in [key] if key in ("press", "OK") else list(key):
                self.card.press(one)
        return self.card.display()

    def wait(self, ms):
        """Let `ms` pass, ticking as a host would."""
        end = self.port.clock + ms
        while True:
            due = self.card.next_tick_ms()
            if due is None or self.port.clock + due >= end:
                break
            self.port.clock += due
            self.card.tick()
        self.port.clock = end
        self.card.tick()

    def memory(self):
        """The card's memory as flash alone gives it back (a copy: this is no boot of the card)."""
        return state.State(
            MemoryFlash(self.flash.sector_size, self.flash.sector_count, bytearray(self.flash.image()))
        )


def cobs(data):
    """COBS, the slow and simple way."""
    out, run = bytearray(), bytearray()
    for byte in data:
        if byte:
            run.append(byte)
            if len(run) == 254:
                out += b"\xff" + bytes(run)
                run = bytearray()
        else:
            out += bytes([len(run) + 1]) + bytes(run)
            run = bytearray()
    if run or not data or data[-1] == 0 or len(out) == 0:
        out += bytes([len(run) + 1]) + bytes(run)
    return bytes(out)


def uncobs(data):
    """The inverse of cobs."""
    out, at = bytearray(), 0
    while at < len(data):
        code = data[at]
        out += data[at + 1 : at + code]
        at += code
        if code != 0xFF and at < len(data):
            out.append(0)
    return bytes(out)


def frame(session, seq, cmd, payload):
    """One frame with its zeros."""
    body = session + bytes([seq, cmd]) + payload
    return b"\x00" + cobs(body + binascii.crc32(body).to_bytes(4, "big")) + b"\x00"


def frames(data):
    """The frames in what a card sent: (session, seq, cmd, payload)."""
    out = []
    for piece in data.split(b"\x00"):
        if piece:
            body = uncobs(piece)
            assert binascii.crc32(body[:-4]).to_bytes(4, "big") == body[-4:]
            out.append((body[:4], body[4], body[5], body[6:-4]))
    return out


class Host:
    """One host at a bench's wire."""

    def __init__(self, bench, nonce=b"nonce..1"):
        self.bench = bench
        self.session = b"\x00" * 4
        self.seq = 0
        self.init(nonce)

    def send(self, session, seq, cmd, payload):
        """Send one frame; the frames that come back at once."""
        self.bench.card.receive(frame(session, seq, cmd, payload))
        return self.heard()

    def heard(self):
        """The frames that the card has to send."""
        return frames(self.bench.card.transmit())

    def init(self, nonce):
        """A new session; gives the INIT answer's payload."""
        ((session, seq, cmd, payload),) = self.send(b"\x00" * 4, 0, INIT, nonce)
        assert (session, seq, cmd) == (b"\x00" * 4, 0, INIT) and payload[:8] == nonce
        self.session, self.seq = payload[8:12], 0
        return payload

    def start(self, cmd, payload):
        """Send the next request; the frames that come back at once."""
        self.seq = (self.seq + 1) % 256
        return self.send(self.session, self.seq, cmd, payload)

    def request(self, cmd, payload):
        """The next request's answer: (cmd, payload), waiting as long as the card works."""
        got = self.start(cmd, payload)
        for _ in range(1000):
            for session, seq, answer, data in got:
                assert (session, seq) == (self.session, self.seq)
                if answer != KEEPALIVE:
                    return answer, data
            self.bench.wait(100)
            got = self.heard()
        raise AssertionError("no answer")

    def apdu(self, apdu):
        """Data and status word of a plain command."""
        cmd, payload = self.request(MSG, apdu)
        assert cmd == MSG
        return payload[:-2], int.from_bytes(payload[-2:], "big")

    def command(self, cla, ins, p1, p2, data=b""):
        """A plain command."""
        return self.apdu(bytes([cla, ins, p1, p2]) + (bytes([len(data)]) + data if data else b""))

    def open(self, keys, version):
        """A secure channel under `keys`."""
        return Channel(self, keys, version)


BROADCAST = b"\xff\xff\xff\xff"


def reports(channel, cmd, payload):
    """A message as 64-byte reports, padded by AA: a receiver must not care."""
    head, rest = payload[:57], payload[57:]
    out = [channel + bytes([0x80 | cmd, len(payload) >> 8, len(payload) & 0xFF]) + head]
    while rest:
        out.append(channel + bytes([len(out) - 1]) + rest[:59])
        rest = rest[59:]
    return [report + b"\xaa" * (64 - len(report)) for report in out]


class HidHost(Host):
    """One client at a bench's HID link; its `session` is a channel."""

    def send(self, channel, cmd, payload):
        """Send one message; the messages that come back at once: (channel, cmd, payload)."""
        for report in reports(channel, cmd, payload):
            self.bench.card.receive_report(report)
        return self.heard()

    def heard(self):
        """The messages that the card has to send."""
        out = []
        while True:
            report = self.bench.card.transmit_report()
            if not report:
                return out
            assert len(report) == 64 and report[4] & 0x80
            length = report[5] << 8 | report[6]
            payload = report[7:]
            for sequence in range(-(-max(0, length - 57) // 59)):
                following = self.bench.card.transmit_report()
                assert len(following) == 64 and following[:5] == report[:4] + bytes([sequence])
                payload += following[5:]
            assert payload[length:] == b"\x00" * (len(payload) - length)
            out.append((report[:4], report[4] & 0x7F, payload[:length]))

    def init(self, nonce, on=BROADCAST):
        """INIT on the broadcast channel, or on one's own; gives its answer's payload."""
        ((channel, cmd, payload),) = self.send(on, INIT, nonce)
        assert (channel, cmd, payload[:8]) == (on, INIT, nonce)
        self.session = payload[8:12]
        return payload

    def start(self, cmd, payload):
        """Send a request; the messages that come back at once."""
        return self.send(self.session, cmd, payload)

    def request(self, cmd, payload):
        """A request's answer: (cmd, payload), waiting as long as the card works."""
        got = self.start(cmd, payload)
        for _ in range(1000):
            for channel, answer, data in got:
                assert channel == self.session
                if answer != KEEPALIVE:
                    return answer, data
            self.bench.wait(100)
            got = self.heard()
        raise AssertionError("no answer")


class Channel:
    """The host's side of SCP03, level 33."""

    def __init__(self, host, keys, version, challenge=b"hostchal"):
        self.host = host
        self.port = host.bench.port
        answer, status = host.command(0x80, 0x50, version, 0, challenge)
        assert status == 0x9000, f"{status:04X}"
        self.keys = keys
        self.answer = answer
        context = challenge + answer[13:21]
        bits = len(keys[0]) * 8
        self.s_enc = scp03.kdf(self.port, keys[0], 4, bits, context)
        self.s_mac = scp03.kdf(self.port, keys[1], 6, bits, context)
        self.s_rmac = scp03.kdf(self.port, keys[1], 7, bits, context)
        assert scp03.kdf(self.port, self.s_mac, 0, 64, context) == answer[21:29], "card cryptogram"
        self.chaining = b"\x00" * 16
        self.counter = 0
        cryptogram = scp03.kdf(self.port, self.s_mac, 1, 64, context)
        data, status = host.apdu(self.mac(b"\x84\x82\x33\x00", cryptogram))
        assert (data, status) == (b"", 0x9000), f"{status:04X}"

    def mac(self, header, data):
        """Header and data with their C-MAC."""
        header += bytes([len(data) + 8])
        self.chaining = cmac.cmac(self.port, self.s_mac, self.chaining + header + data)
        return header + data + self.chaining[:8]

    def wrap(self, cla, ins, p1, p2, data=b""):
        """The command as it goes over the wire."""
        self.counter += 1
        if data:
            icv = self.port.aes_encrypt_block(self.s_enc, self.counter.to_bytes(16, "big"))
            data = cmac.cbc_encrypt(self.port, self.s_enc, icv, cmac.pad(data))
        return self.mac(bytes([cla | 4, ins, p1, p2]), data)

    def unwrap(self, data, status):
        """The answer's plain data; the R-MAC must be right on 9000, 62xx, 63xx and absent otherwise."""
        if status != 0x9000 and status >> 8 not in (0x62, 0x63):
            assert data == b""
            return b"", status
        body, mac = data[:-8], data[-8:]
        word = status.to_bytes(2, "big")
        assert cmac.cmac(self.port, self.s_rmac, self.chaining + body + word)[:8] == mac, "R-MAC"
        if body:
            block = b"\x80" + self.counter.to_bytes(15, "big")
            icv = self.port.aes_encrypt_block(self.s_enc, block)
            body = cmac.unpad(cmac.cbc_decrypt(self.port, self.s_enc, icv, body))
        return body, status

    def command(self, cla, ins, p1, p2, data=b""):
        """A command under the channel: plain data and status word."""
        return self.unwrap(*self.host.apdu(self.wrap(cla, ins, p1, p2, data)))

    def put_key(self, version, keys, present=TRANSPORT_VERSION, with_length=True):
        """PUT KEY in either format."""
        data = bytes([version])
        for key in keys:
            block = cmac.cbc_encrypt(self.port, self.keys[2], b"\x00" * 16, key)
            if with_length:
                block = bytes([len(key)]) + block
            data += bytes([0x88, len(block)]) + block + b"\x03" + scp03.key_check_value(self.port, key)
        return self.command(0x80, 0xD8, present, 0x81, data)

    def sealed_seed(self, seed=SEED):
        """DGI 8001's data."""
        return cmac.cbc_encrypt(self.port, self.keys[2], b"\x00" * 16, cmac.pad(bytes([len(seed)]) + seed))

    def store_data(self, profile=1, suite=SUITE_A, seed=SEED, more=b""):
        """STORE DATA."""
        data = dgi(0x0101, bytes([profile]) + suite) + dgi(0x8001, self.sealed_seed(seed)) + more
        return self.command(0x80, 0xE2, 0x88, 0, data)

    def set_status(self, life_cycle):
        """SET STATUS; the status word."""
        return self.command(0x80, 0xF0, 0x80, life_cycle)[1]

    def respond(self, question, pin=b""):
        """INTERNAL AUTHENTICATE."""
        data = bytes([len(question)]) + question + (bytes([len(pin)]) + pin if pin else b"")
        return self.command(0, 0x88, 0, 0, data)


def dgi(tag, data):
    """tag 2 ‖ length 1 ‖ data."""
    return tag.to_bytes(2, "big") + bytes([len(data)]) + data


def issuer_channel(bench=None, keys=ISSUER):
    """A blank card brought to issuer keys, OP_READY; (bench, host, channel)."""
    bench = bench or Bench()
    host = Host(bench)
    assert host.open(TRANSPORT, 0).put_key(ISSUER_VERSION, keys)[1] == 0x9000
    return bench, host, host.open(keys, ISSUER_VERSION)


def personalised(profile=1, suite=SUITE_A, pin=PIN, keys=ISSUER, secured=True):
    """A card personalised by the book; (bench, host, channel)."""
    bench, host, channel = issuer_channel(keys=keys)
    assert channel.set_status(state.INITIALIZED) == 0x9000
    assert channel.store_data(profile, suite)[1] == 0x9000
    if profile == state.CARD_PIN:
        assert channel.command(0, 0x2C, 2, 0x81, pin) == (b"", 0x9000)
    if secured:
        assert channel.set_status(state.SECURED) == 0x9000
    return bench, host, channel
