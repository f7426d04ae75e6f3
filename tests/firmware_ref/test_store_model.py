"""The store against a dictionary, under hypothesis: random commits, torn operations, cuts during recovery."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dscplus_card.flash import MemoryFlash, PowerCut
from dscplus_card.store import Store, create

FIELDS = (1, 2, 3, 8, 9)
SECRETS = (8, 9)
FIRST = {1: b"\x00", 8: b"first secret"}

values = st.one_of(
    st.just(b""),
    st.binary(min_size=1, max_size=8),
    st.binary(min_size=12, max_size=60),
    st.just(b"\xff" * 12),
)
commits = st.dictionaries(st.sampled_from(FIELDS), values, max_size=4)
cuts = st.lists(st.tuples(st.integers(1, 6), st.randoms(use_true_random=False)), max_size=4)


def boot_through_cuts(chip: MemoryFlash, planned: list) -> Store:
    """Boot; each planned cut tears one operation of one boot."""
    while True:
        chip.restore_power()
        if planned:
            operation, dice = planned.pop()
            chip.cut_power_at(operation, dice.randbytes)
        try:
            opened = Store(chip, SECRETS)
        except PowerCut:
            continue
        chip.restore_power()
        return opened


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(st.tuples(commits, cuts), max_size=25),
    sectors=st.integers(2, 4),
    sector_size=st.sampled_from([360, 512]),
)
def test_old_or_new_never_a_mix_and_no_old_secret(steps, sectors, sector_size):
    chip = MemoryFlash(sector_size, sectors)
    create(chip, FIRST)
    opened = Store(chip, SECRETS)
    model = dict(FIRST)
    for changes, planned in steps:
        after = {field: value for field, value in {**model, **changes}.items() if value}
        planned = list(planned)
        if planned:
            operation, dice = planned.pop()
            chip.cut_power_at(operation, dice.randbytes)
        try:
            opened.commit(changes)
            chip.restore_power()
            assert fields(opened) == after
        except PowerCut:
            opened = boot_through_cuts(chip, planned)
            assert fields(opened) in (model, after)
        old_secrets = {value for field, value in model.items() if field in SECRETS and len(value) >= 12}
        model = fields(opened)
        for secret in old_secrets - set(model.values()):
            if not any(secret in value for value in model.values()) and set(secret) != {0xFF}:
                assert secret not in chip.image()
        assert fields(Store(MemoryFlash(sector_size, sectors, bytearray(chip.image())), SECRETS)) == model


def fields(opened: Store) -> dict[int, bytes]:
    return {field: opened.get(field) for field in FIELDS if opened.get(field)}
