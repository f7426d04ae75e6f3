"""The Digital Security Card+ itself: reference firmware for CPython and MicroPython."""
