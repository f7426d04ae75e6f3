"""The store under power cuts: every operation torn, every recovery torn again; seeded bugs are caught."""

from dscplus_card import flash, store
from dscplus_card.store import FlashFailed, NotManufactured, Store, create
from tests.firmware_ref.both.bench import raises

SECRET = 9
OLD_SECRET, NEW_SECRET, THIRD_SECRET = (
    b"0123456789ABCDEFGHIJKLMN",
    b"ZYXWVUTSRQPONMLKJIHGFEDC",
    b"!#$%&()*+,-./:;<=>?@[]^_",
)
FIRST = {1: b"\x00", 2: b"abc", SECRET: OLD_SECRET}

# What a card writes: counters, several fields at once, a secret replaced, a secret removed.
STEPS = (
    {1: b"\x01"},
    {1: b"\x02", 2: b"defg"},
    {SECRET: NEW_SECRET, 3: b"with it"},
    {1: b"\x03", 2: b""},
    {SECRET: b"", 1: b"\x04"},
    {SECRET: THIRD_SECRET, 2: b"x" * 90},
    {1: b"\x05", 2: b"y" * 90},
    {1: b"\x06", 2: b"z" * 90},
)


class Dice:
    """Random bytes that repeat with their seed (MicroPython's random has no bytes)."""

    def __init__(self, seed):
        self.state = seed * 2654435761 % 4294967296 or 1

    def __call__(self, n):
        out = bytearray()
        for _ in range(n):
            self.state = (self.state * 1664525 + 1013904223) % 4294967296
            out.append(self.state >> 24)
        return bytes(out)


def all_bits(n):
    return b"\xff" * n


def no_bits(n):
    return b"\x00" * n


class Prefix:
    """The first bytes are done, the rest is not begun."""

    def __init__(self, done):
        self.done = done

    def __call__(self, n):
        return (b"\xff" * self.done + b"\x00" * n)[:n]


TEARS = (all_bits, no_bits, Dice(1), Dice(2), Dice(3), Prefix(7), Prefix(10), Prefix(25))


def fresh(sector_size=300, sectors=2):
    chip = flash.MemoryFlash(sector_size, sectors)
    create(chip, FIRST)
    return chip


def fields(opened):
    return {n: opened.get(n) for n in range(12) if opened.get(n)}


def models():
    """What the fields are before each step, and after the last."""
    out = [dict(FIRST)]
    for step in STEPS:
        now = dict(out[-1])
        now.update(step)
        out.append({field: value for field, value in now.items() if value})
    return out


def run_until_cut(chip, open_store):
    """Boot and run all steps; the steps done when the power went (None: it never went)."""
    done = 0
    try:
        opened = open_store(chip)
        for step in STEPS:
            opened.commit(step)
            done += 1
    except flash.PowerCut:
        return done
    return None


def recover(chip, open_store, tear):
    """Boot until a boot is not cut; every boot but the last is cut at its first, second, … operation."""
    cuts = 0
    for again in range(1, 20):
        chip.restore_power()
        chip.cut_power_at(again, tear)
        try:
            opened = open_store(chip)
            chip.cut_at = None
            return opened, cuts
        except flash.PowerCut:
            cuts += 1
    raise AssertionError("recovery never ends")


def campaign(open_store=lambda chip: Store(chip, (SECRET,)), tears=TEARS):
    """Cut every operation with every tear, and the recovery too; (single cuts, cuts in recovery)."""
    expected = models()
    cuts, recovery_cuts = 0, 0
    for tear in tears:
        operation = 1
        while True:
            chip = fresh()
            chip.cut_power_at(operation, tear)
            done = run_until_cut(chip, open_store)
            if done is None:
                break
            cuts += 1
            opened, again = recover(chip, open_store, tear)
            recovery_cuts += again
            now = fields(opened)
            assert now in (expected[done], expected[done + 1]), (operation, done, now)
            check_secrets(chip, now)
            opened.commit({1: b"\x77"})
            now[1] = b"\x77"
            assert fields(open_store(chip)) == now
            operation += 1
    return cuts, recovery_cuts


def check_secrets(chip, now):
    image = chip.image()
    for secret in (OLD_SECRET, NEW_SECRET, THIRD_SECRET):
        if now.get(SECRET) != secret:
            for at in range(0, len(secret) - 6, 6):  # no whole secret, and no six bytes of one
                assert secret[at : at + 6] not in image


def test_old_or_new_never_a_mix_at_every_cut_and_every_double_cut():
    cuts, recovery_cuts = campaign()
    assert cuts > 90 and recovery_cuts > 100, (cuts, recovery_cuts)


def test_fields_survive_reboots_and_turns_of_the_sectors():
    chip = fresh()
    opened = Store(chip, (SECRET,))
    for n in range(200):
        opened.commit({1: bytes([n])})
        if n % 7 == 0:
            opened = Store(chip, (SECRET,))
        assert fields(opened) == {1: bytes([n]), 2: b"abc", SECRET: OLD_SECRET}


def test_sectors_wear_evenly():
    chip = flash.MemoryFlash(300, 4)
    create(chip, FIRST)
    erased = [0] * 4
    erase = chip.erase

    def counting(sector):
        erased[sector] += 1
        erase(sector)

    chip.erase = counting
    opened = Store(chip, (SECRET,))
    for n in range(1000):
        opened.commit({1: bytes([n % 256])})
    assert max(erased) - min(erased) <= 1
    assert 10 < sum(erased) < 100, erased  # a dozen commits and more to an erase


def test_a_commit_of_what_is_there_costs_no_operation():
    chip = fresh()
    opened = Store(chip, (SECRET,))
    before = chip.operations
    opened.commit(dict(FIRST))
    opened.commit({7: b""})
    assert chip.operations == before


def test_a_flash_that_fails_leaves_the_fields_as_they_were():
    chip = fresh()
    opened = Store(chip, (SECRET,))
    program = chip.program
    chip.program = lambda sector, offset, data: program(sector, offset, b"\x00" * len(data))
    assert raises(FlashFailed, lambda: opened.commit({1: b"\x01"}))
    chip.program = program
    assert fields(Store(chip, (SECRET,))) == FIRST
    assert fields(opened) == FIRST


def test_a_snapshot_that_does_not_fit_is_refused():
    opened = Store(fresh(), (SECRET,))
    assert raises(FlashFailed, lambda: opened.commit({3: b"x" * 255}))
    assert fields(opened) == FIRST
    opened.commit({1: b"\x01"})


def test_random_flash_is_no_card_and_does_not_crash():
    for seed in range(30):
        image = bytearray(Dice(seed)(600))
        assert raises(NotManufactured, lambda: Store(flash.MemoryFlash(300, 2, image), ()))


def test_nor_flash_clears_bits_only_and_keeps_to_pages_and_sectors():
    chip = flash.MemoryFlash(512, 2)
    chip.program(1, 0, b"\x0f")
    chip.program(1, 0, b"\xf3")
    assert chip.read(1, 0, 2) == b"\x03\xff"
    for sector, offset, data in ((1, 255, b"ab"), (0, 511, b"ab"), (2, 0, b"a"), (-1, 0, b"a")):
        assert raises(flash.FlashError, lambda: chip.program(sector, offset, data))
    chip.erase(1)
    assert chip.image() == b"\xff" * 1024 and chip.operations == 3
    assert raises(flash.FlashError, lambda: flash.MemoryFlash(512, 2, bytearray(1023)))


def test_torn_operations_change_a_subset_of_their_bits():
    for seed in range(20):
        chip = flash.MemoryFlash(64, 1)
        chip.program(0, 0, b"\xf0" * 64)
        chip.cut_power_at(1, Dice(seed))
        assert raises(flash.PowerCut, lambda: chip.program(0, 0, b"\x3c" * 64))
        assert raises(flash.PowerCut, lambda: chip.read(0, 0, 1))
        chip.restore_power()
        torn = chip.read(0, 0, 64)
        assert all([byte & 0x3F == 0x30 for byte in torn]) and len(set(torn)) > 1


# Seeded bugs: each breaks the store in one way that has killed real cards, and the campaign must notice.


class NoCrc(Store):
    """Believes a record by its length."""

    def _replay(self, sector):
        right = store._crc_right
        store._crc_right = lambda record: True
        try:
            return Store._replay(self, sector)
        finally:
            store._crc_right = right


class InPlace(Store):
    """Overwrites the live sector instead of moving to the next."""

    def _move(self, now):
        self._erase(self._sector)
        record = store._snapshot(self._sequence + 1, now)
        self._program(self._sector, 0, record)
        self._end = len(record)
        self._sequence += 1


class EraseFirst(Store):
    """Erases the old sector before the new one is whole."""

    def _move(self, now):
        erase, self._erase = self._erase, lambda sector: None
        erase(self._sector)
        Store._move(self, now)
        self._erase = erase


class NoCleaning(Store):
    """Leaves what a cut left."""

    def _blank(self, sector, offset):
        return (offset == 0 and Store._blank(self, sector, offset)) or self._sector >= 0


class KeepsSecrets(Store):
    """Appends the new secret behind the old one."""

    def __init__(self, chip, secrets):
        Store.__init__(self, chip, ())


class TwoCommits(Store):
    """Writes the fields of a commit one by one."""

    def commit(self, changes):
        for field, value in changes.items():
            Store.commit(self, {field: value})


def test_seeded_bugs_are_caught():
    for broken in (NoCrc, InPlace, EraseFirst, NoCleaning, KeepsSecrets, TwoCommits):
        caught = False
        try:
            campaign(lambda chip: broken(chip, (SECRET,)))
        except (AssertionError, FlashFailed, NotManufactured, IndexError):
            caught = True
        assert caught, broken


def test_a_program_that_fails_half_way_leaves_a_store_that_still_takes_changes():
    memory = flash.MemoryFlash(512, 3)
    create(memory, FIRST)
    one = Store(memory, (SECRET,))
    program = memory.program

    def half_once(sector, offset, data):
        memory.program = program
        program(sector, offset, data[: len(data) // 2])

    memory.program = half_once
    assert raises(FlashFailed, lambda: one.commit({2: b"x" * 90}))
    assert one.get(2) == b"abc"
    one.commit({1: b"\x02"})
    assert one.get(1) == Store(memory, (SECRET,)).get(1) == b"\x02"


def test_a_flash_that_cannot_be_cleaned_is_read_and_takes_no_change_until_it_can():
    chip = fresh()
    record = store._record(2, store._UPDATE, store._entry(2, b"half"))
    end = len(store._snapshot(1, FIRST))
    chip.program(0, end, record[: len(record) // 2])
    program = chip.program
    chip.program = lambda sector, offset, data: None
    opened = Store(chip, (SECRET,))
    assert fields(opened) == FIRST
    assert raises(FlashFailed, lambda: opened.commit({2: b"new"}))
    assert fields(opened) == FIRST
    chip.program = program
    longer = b"longer than half"
    assert raises(FlashFailed, lambda: opened.commit({2: longer}))  # what lies there is in the way: cleans up
    opened.commit({2: longer})
    assert fields(opened)[2] == fields(Store(chip, (SECRET,)))[2] == longer
