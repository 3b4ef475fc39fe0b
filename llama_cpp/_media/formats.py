"""File formats of images and sounds, by their first bytes."""

from __future__ import annotations

import re
from typing import Optional

# Magic numbers as in the formats' specifications.
_BEGINNINGS = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"GIF8[79]a", "GIF"),
    (rb"BM", "BMP"),
    (rb"RIFF.{4}WEBP", "WebP"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"RIFF.{4}WAVE", "WAV"),
    (rb"fLaC", "FLAC"),
    # A tag, or a frame's sync word, as mtmd-helper.cpp (is_audio_file) tells MP3.
    (rb"ID3|\xff[\xe0-\xff]", "MP3"),
    (rb"OggS", "Ogg"),
    (rb"FORM.{4}AIF[FC]", "AIFF"),
    (rb"\x1a\x45\xdf\xa3", "WebM"),
    (rb"%PDF-", "PDF"),
    (rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)?<svg", "SVG"),
    (rb"\s*<(?:!doctype html|html)", "HTML"),
)
_FORMATS = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE if b"<" in pattern else re.DOTALL), name)
    for pattern, name in _BEGINNINGS
)
# Brands of ISO/IEC 14496-12 files: of AV1-AVIF, and of ISO/IEC 23008-12.
_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_LOOKED_AT = 512


def format_of(data: bytes) -> Optional[str]:
    """Returns the name of a file's format, None for an unknown one."""
    head = data[:_LOOKED_AT]
    if head[4:8] == b"ftyp":
        return _iso_format(head)
    return next((name for pattern, name in _FORMATS if pattern.match(head)), None)


def _iso_format(head: bytes) -> str:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[start : start + 4] for start in range(8, end, 4)}
    if brands & _AVIF:
        return "AVIF"
    return "HEIC" if brands & _HEIC else "MP4"
