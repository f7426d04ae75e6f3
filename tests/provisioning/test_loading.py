"""Loading without collecting garbage."""

import gc

import pytest

from dscplus_station.loading import loading


def test_nothing_is_collected_while_loading_and_all_of_it_stays_aside():
    collected = []
    gc.callbacks.append(lambda phase, _info: collected.append(phase))
    try:
        with loading():
            loaded = [[] for _ in range(100_000)]
            assert not gc.isenabled()
    finally:
        gc.callbacks.pop()
    assert collected == [] and gc.isenabled() and gc.get_freeze_count() > len(loaded)


def test_whoever_collects_nothing_still_does_not_afterwards():
    gc.disable()
    try:
        with loading():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_module_that_cannot_be_loaded_leaves_the_collector_on():
    with pytest.raises(ModuleNotFoundError), loading():
        raise ModuleNotFoundError
    assert gc.isenabled()
