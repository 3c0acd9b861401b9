"""Width and height of an image, read from its first bytes (PNG, JPEG, GIF, WebP, BMP)."""

from __future__ import annotations

import struct


def size_of(body: bytes) -> tuple[int, int]:
    """Width and height in pixels; (0, 0) when the bytes are not an image that we know."""
    try:
        return _size_of(body)
    except struct.error:
        return 0, 0


def _size_of(body: bytes) -> tuple[int, int]:
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return _pair(struct.unpack(">II", body[16:24]))
    if body[:6] in (b"GIF87a", b"GIF89a"):
        return _pair(struct.unpack("<HH", body[6:10]))
    if body.startswith(b"BM"):
        width, height = struct.unpack("<ii", body[18:26])
        return abs(width), abs(height)
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return _webp(body)
    if body.startswith(b"\xff\xd8"):
        return _jpeg(body)
    return 0, 0


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[1]


def _webp(body: bytes) -> tuple[int, int]:
    kind = body[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(body[24:27], "little") + 1
        return width, int.from_bytes(body[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    width, height = struct.unpack("<HH", body[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(body: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 < len(body) and body[at] == 0xFF:
        marker = body[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # start of frame
            height, width = struct.unpack(">HH", body[at + 5 : at + 9])
            return width, height
        at += 2 + int(struct.unpack(">H", body[at + 2 : at + 4])[0])
    return 0, 0
