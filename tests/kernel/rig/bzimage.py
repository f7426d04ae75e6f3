"""The ELF kernel inside a bzImage. QEMU boots it directly (PVH), which saves unpacking it on every boot.

Field offsets: Documentation/arch/x86/boot.rst of the Linux kernel, "The Real-Mode Kernel Header".
"""

import lzma
import struct

SETUP_SECTORS = 0x1F1
MAGIC = 0x202
PAYLOAD_OFFSET = 0x248
PAYLOAD_LENGTH = 0x24C
SECTOR = 512


def extract_vmlinux(image: bytes) -> bytes:
    """Return the ELF file in a bzImage that is compressed with xz. Raises ValueError for any other file."""
    if image[MAGIC : MAGIC + 4] != b"HdrS":
        raise ValueError("not a bzImage")
    start = (image[SETUP_SECTORS] + 1) * SECTOR + struct.unpack_from("<I", image, PAYLOAD_OFFSET)[0]
    length = struct.unpack_from("<I", image, PAYLOAD_LENGTH)[0]
    # Four bytes with the unpacked length follow the xz stream.
    stream = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    try:
        elf = stream.decompress(image[start : start + length])
    except lzma.LZMAError as error:
        raise ValueError(f"the kernel is not compressed with xz: {error}") from None
    if not stream.eof:
        raise ValueError("the kernel is cut short")
    if elf[:4] != b"\x7fELF":
        raise ValueError("no ELF file in the bzImage")
    return elf
