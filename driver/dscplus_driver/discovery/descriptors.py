"""What descriptors tell: the interface classes of a USB device, the usage of a HID interface."""

_INTERFACE_DESCRIPTOR = 0x04
_INTERFACE_CLASS_OFFSET = 5
_LONG_ITEM = 0xFE


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


def usage(report_descriptor: bytes) -> tuple[int, int] | None:
    """Return usage page and usage of the first collection of a report descriptor (HID 1.11, 6.2.2); None
    where there is no collection.
    """
    page = number = 0
    position = 0
    while position < len(report_descriptor):
        prefix = report_descriptor[position]
        if prefix == _LONG_ITEM:
            position += 3 + int.from_bytes(report_descriptor[position + 1 : position + 2])
            continue
        size = (0, 1, 2, 4)[prefix & 0x03]
        value = int.from_bytes(report_descriptor[position + 1 : position + 1 + size], "little")
        match prefix & 0xFC:
            case 0x04:  # usage page
                page = value
            case 0x08:  # usage
                # A usage of four bytes brings its page along.
                page, number = (value >> 16, value & 0xFFFF) if size == 4 else (page, value)
            case 0xA0:  # collection
                return page, number
        position += 1 + size
    return None
