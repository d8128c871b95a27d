"""The checksums of trackers' frames."""

from __future__ import annotations

from functools import reduce


def _table(polynomial: int) -> tuple[int, ...]:
    def one(value: int) -> int:
        for _bit in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        return value

    return tuple(one(value) for value in range(256))


_X25, _IBM = _table(0x8408), _table(0xA001)


def crc_x25(data: bytes) -> int:
    """CRC-16/X-25 (ITU-T V.41 reflected, all ones before and after): GT06."""
    value = 0xFFFF
    for one in data:
        value = value >> 8 ^ _X25[(value ^ one) & 255]
    return value ^ 0xFFFF


def crc_ibm(data: bytes) -> int:
    """CRC-16/ARC (IBM, reflected, from zero): Teltonika."""
    value = 0
    for one in data:
        value = value >> 8 ^ _IBM[(value ^ one) & 255]
    return value


def exclusive_or(data: bytes) -> int:
    """All bytes combined by exclusive or: JT/T 808."""
    return reduce(int.__xor__, data, 0)
