# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How many decoded frames a stream asks its decoder to keep, since later frames refer to them.

H.264 and HEVC say it in their sequence parameter sets (SPS; ITU-T H.264, 7.3.2.1.1, and H.265, 7.3.2.2). Real videos
of 8K keep about five; sixteen, which the syntax allows, would take gigabytes.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av
    from av.bitstream import BitStreamFilterContext
    from av.video.stream import VideoStream

# What codecs keep, by FFmpeg's names; streams of the first two say it. VP9 and AV1 have places for eight, of which
# encoders fill about half.
KEPT = {"h264": 0, "hevc": 0, "vvc": 16, "vp9": 5, "av1": 5} | dict.fromkeys(
    ("mjpeg", "png", "jpeg2000", "prores", "dnxhd", "rawvideo"), 0
)
KEPT_BY_OTHERS = 2
MOST_KEPT = 16
H264_SPS, HEVC_SPS, MAX_SPS_BYTES = 7, 33, 4096
# Profiles of H.264 whose SPS says more of colours.
H264_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)


class KeptFrames:
    """Follows a stream, which may ask for more on its way.

    Args:
        stream (`VideoStream`): The stream.
    """

    def __init__(self, stream: "VideoStream"):
        from av.bitstream import BitStreamFilterContext

        self._codec = stream.codec_context.codec.canonical_name
        self._kept = KEPT.get(self._codec, KEPT_BY_OTHERS)
        self._filter = None
        if self._codec in ("h264", "hevc"):
            # Gives units behind start codes whatever the container has, and the SPS of its header in front.
            self._filter = BitStreamFilterContext(f"{self._codec}_mp4toannexb", stream)

    def after(self, packet: "av.Packet") -> int:
        """Give the number of frames that are kept at most, with this packet and those before it."""
        if self._filter is not None and packet.size:
            try:
                self._kept = max([self._kept, *self._parameter_sets(self._filter, packet)])
            except ValueError:  # damaged; what FFmpeg reads from it is not known
                self._kept = MOST_KEPT
        return self._kept

    def _parameter_sets(self, to_units: "BitStreamFilterContext", packet: "av.Packet") -> Iterator[int]:
        import av

        copied = to_units.filter(av.Packet(bytes(packet)))  # the filter empties what it is given
        for unit in re.split(b"\0\0\1", b"".join(map(bytes, copied)))[1:]:
            if self._codec == "h264" and unit and unit[0] & 31 == H264_SPS:
                yield _h264_kept(_Bits(unit[1:MAX_SPS_BYTES]))
            elif self._codec == "hevc" and unit and unit[0] >> 1 & 63 == HEVC_SPS:
                yield _hevc_kept(_Bits(unit[2:MAX_SPS_BYTES]))


class _Bits:
    """The payload of a unit, bit by bit; raises `ValueError` behind its end."""

    def __init__(self, payload: bytes):
        # A 3 behind two zeros stands there only so that nothing looks like a start code.
        payload = payload.replace(b"\0\0\3", b"\0\0")
        self._number, self._left = int.from_bytes(payload, "big"), 8 * len(payload)

    def fixed(self, bits: int) -> int:
        """Read a number of so many bits."""
        if bits > self._left:
            raise ValueError("the unit is cut short")
        self._left -= bits
        return self._number >> self._left & ((1 << bits) - 1)

    def golomb(self) -> int:
        """Read a number in Exp-Golomb code."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)

    def skip_golomb(self, count: int) -> None:
        """Go past numbers in Exp-Golomb code, signed or not."""
        for _ in range(count):
            self.golomb()


def _h264_kept(bits: _Bits) -> int:
    """`max_num_ref_frames`."""
    profile = bits.fixed(8)
    bits.fixed(16)  # constraints, level
    bits.golomb()  # number of the set
    if profile in H264_HIGH_PROFILES:
        chroma = bits.golomb()
        if chroma == 3:
            bits.fixed(1)
        bits.skip_golomb(2)  # depths
        bits.fixed(1)
        if bits.fixed(1):
            for place in range(12 if chroma == 3 else 8):
                if bits.fixed(1):
                    _skip_scaling_list(bits, 16 if place < 6 else 64)
    bits.golomb()  # size of frame numbers
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.fixed(1)
        bits.skip_golomb(2)
        bits.skip_golomb(bits.golomb())
    return bits.golomb()


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            following = (last + ((code + 1) // 2 if code % 2 else -code // 2)) % 256
        last = following or last


def _hevc_kept(bits: _Bits) -> int:
    """The largest `sps_max_dec_pic_buffering`."""
    bits.fixed(4)
    layers = bits.fixed(3)
    bits.fixed(1 + 88 + 8)  # nesting, profile, level
    said = [(bits.fixed(1), bits.fixed(1)) for _ in range(layers)]
    bits.fixed(2 * (8 - layers) if layers else 0)
    for profile, level in said:
        bits.fixed(88 * profile + 8 * level)
    bits.golomb()  # number of the set
    if bits.golomb() == 3:
        bits.fixed(1)
    bits.skip_golomb(2)  # width, height
    if bits.fixed(1):
        bits.skip_golomb(4)  # cropping
    bits.skip_golomb(3)  # depths, size of picture numbers
    kept = 0
    for _ in range(layers + 1 if bits.fixed(1) else 1):
        kept = max(kept, bits.golomb() + 1)
        bits.skip_golomb(2)
    return kept
