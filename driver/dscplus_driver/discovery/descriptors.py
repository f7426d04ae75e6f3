"""What a USB device's descriptors tell: the classes of its interfaces."""

_INTERFACE_DESCRIPTOR = 0x04
_INTERFACE_CLASS_OFFSET = 5


def interface_classes(descriptors: bytes) -> frozenset[int]:
    """Return bInterfaceClass of every interface in the descriptors as Linux keeps them: the device's, then
    each configuration's (USB 2.0, 9.5 and 9.6.5). Bytes that are no descriptor end the list.
    """
    classes = set()
    position = 0
    while position + 2 <= len(descriptors):
        length, kind = descriptors[position : position + 2]
        descriptor = descriptors[position : position + length]
        if length < 2 or len(descriptor) < length:
            break
        if kind == _INTERFACE_DESCRIPTOR and length > _INTERFACE_CLASS_OFFSET:
            classes.add(descriptor[_INTERFACE_CLASS_OFFSET])
        position += length
    return frozenset(classes)
