"""Frames as a device makes them, written from the protocols' documents and with checksums of their own."""

from __future__ import annotations

import struct
from datetime import UTC, datetime


def crc(data: bytes, polynomial: int, start: int, end: int) -> int:
    """A CRC of 16 bits, reflected, one bit at a time."""
    value = start
    for one in data:
        value ^= one
        for _bit in range(8):
            value = (value >> 1) ^ polynomial if value & 1 else value >> 1
    return value ^ end


def gt06(kind: int, content: bytes, serial: int = 1, *, long: bool = False) -> bytes:
    inside = bytes([kind]) + content + struct.pack(">H", serial)
    size = len(inside) + 2
    inside = (struct.pack(">H", size) if long else bytes([size])) + inside
    return (
        (b"\x79\x79" if long else b"\x78\x78")
        + inside
        + struct.pack(">H", crc(inside, 0x8408, 0xFFFF, 0xFFFF))
        + b"\r\n"
    )


def clock(at: float) -> bytes:
    when = datetime.fromtimestamp(at, UTC)
    return bytes([when.year - 2000, when.month, when.day, when.hour, when.minute, when.second])


def gt06_place(at: float, lat: float, lon: float, kmh: int = 0, course: int = 0, valid: bool = True) -> bytes:
    flags = course | (valid << 12) | ((lat >= 0) << 10) | ((lon < 0) << 11)
    degrees = struct.pack(">II", round(abs(lat) * 1_800_000), round(abs(lon) * 1_800_000))
    return clock(at) + bytes([0xC9]) + degrees + bytes([kmh]) + struct.pack(">H", flags)


def gt06_alarm(at: float, lat: float, lon: float, code: int, serial: int = 7) -> bytes:
    """0x16: place, cell with its length, terminal information, voltage, signal, alarm and language."""
    cell = bytes([9]) + struct.pack(">HBH", 724, 5, 4711) + (123456).to_bytes(3, "big")
    return gt06(0x16, gt06_place(at, lat, lon) + cell + bytes([0x00, 0x04, 0x03, code, 0x02]), serial)


def bcd(number: int, size: int) -> bytes:
    return bytes.fromhex(str(number).zfill(size * 2))


def jt808(kind: int, content: bytes, phone: str = "013912345678", serial: int = 5, *, version: int | None = None,
          part: tuple[int, int] | None = None) -> bytes:  # fmt: skip
    """A frame with its delimiters and escapes."""
    attributes = len(content) | (0x4000 if version is not None else 0) | (0x2000 if part else 0)
    head = struct.pack(">HH", kind, attributes)
    head += bytes([version]) + bcd(int(phone), 10) if version is not None else bcd(int(phone), 6)
    head += struct.pack(">H", serial) + (struct.pack(">HH", *part) if part else b"")
    inside = head + content
    check = 0
    for one in inside:
        check ^= one
    inside += bytes([check])
    return b"\x7e" + inside.replace(b"\x7d", b"\x7d\x01").replace(b"\x7e", b"\x7d\x02") + b"\x7e"


def jt808_location(at: float, lat: float, lon: float, alarms: int = 0, kmh: float = 0.0, items: bytes = b"") -> bytes:
    """The content of 0x0200. The clock is China's."""
    state = 0b11 | ((lat < 0) << 2) | ((lon < 0) << 3)
    when = datetime.fromtimestamp(at + 8 * 3600, UTC)
    place = struct.pack(
        ">IIIIhHH", alarms, state, round(abs(lat) * 1e6), round(abs(lon) * 1e6), 30, round(kmh * 10), 90
    )
    return place + bytes.fromhex(when.strftime("%y%m%d%H%M%S")) + items


def teltonika(records: list[bytes], codec: int = 8) -> bytes:
    data = bytes([codec, len(records)]) + b"".join(records) + bytes([len(records)])
    return bytes(4) + struct.pack(">I", len(data)) + data + struct.pack(">I", crc(data, 0xA001, 0, 0))


def teltonika_record(at: float, lat: float, lon: float, values: dict[int, tuple[int, int]], codec: int = 8,
                     priority: int = 0, event: int = 0) -> bytes:  # fmt: skip
    """`values`: by id, (value, size in bytes)."""
    wide = codec == 0x8E
    number, ident = ("H", "H") if wide else ("B", "H" if codec == 0x10 else "B")
    place = struct.pack(">QBiihHBH", round(at * 1000), priority, round(lon * 1e7), round(lat * 1e7), 12, 270, 9, 36)
    place += struct.pack(">" + ident, event) + (b"\x05" if codec == 0x10 else b"")
    place += struct.pack(">" + number, len(values))
    for size, form in ((1, "B"), (2, "H"), (4, "I"), (8, "Q")):
        of_size = {key: value for key, (value, width) in values.items() if width == size}
        place += struct.pack(">" + number, len(of_size))
        for key, value in of_size.items():
            place += struct.pack(">" + ident + form, key, value)
    return place + (struct.pack(">H", 0) if wide else b"")


def teltonika_datagram(imei: str, records: list[bytes], packet: int = 0xCAFE, number: int = 3) -> bytes:
    data = bytes([8, len(records)]) + b"".join(records) + bytes([len(records)])
    rest = struct.pack(">HBBH", packet, 1, number, len(imei)) + imei.encode() + data
    return struct.pack(">H", len(rest)) + rest


def queclink(kind: str, imei: str, fields: str, count: str = "11F0") -> bytes:
    return f"+RESP:GT{kind},1A0800,{imei},{fields},20260102030405,{count}$".encode()


def suntech_alert(device: str, at: float, lat: float, lon: float, code: int) -> bytes:
    """ST300ALT."""
    when = datetime.fromtimestamp(at, UTC).strftime("%Y%m%d;%H:%M:%S")
    place = f"{lat:+010.6f};{lon:+011.6f};018.000;090.00"
    return f"ST300ALT;{device};04;313;{when};c9;{place};9;1;12;12.6;100000;{code}\r".encode()
