"""The udev rules and hardware names that come with the package: installed, removed, and a slot's name
suggested.
"""

GROUP = "dsc"
"""The group whose members may open cards. `udev/70-dscplus.rules` gives it every node of a card."""

SLOT_PROPERTY = "DSC_SLOT"
"""The property by which the rules tell, at every node of a card, the socket it is plugged into: ID_PATH of
the USB device.
"""
