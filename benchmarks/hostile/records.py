# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Records of provenance that lie, are damaged, or are no records: in motions, beside them, and in videos."""

import json
from pathlib import Path

import numpy as np
from hostile.cases import ESCAPE_CODE, Command, Place, kind
from hostile.damage import odd_json

RECORD = {
    "format": "unimo_hf.provenance",
    "kind": "generated",
    "model": f"me/model{ESCAPE_CODE}\nred",
    "revision": "weights-0",
    "task": "i2vm",
    "seed": 0,
    "do_sample": True,
    "top_p": 0.8,
    "source": "estimated",
}
ENDINGS = ("npz", "safetensors", "bvh", "mp4")


@kind("provenance", 60)
def records(place: Place, number: int) -> Command:
    """A record with a model whose name is hostile, changed anywhere."""
    changed = json.dumps(RECORD) if number < len(ENDINGS) else odd_json(json.dumps(RECORD), place.rng)
    text = changed.decode("latin1") if isinstance(changed, bytes) else changed
    ending = ENDINGS[number % len(ENDINGS)]
    path = place.input / f"clip.{ending}"
    if ending == "npz":
        with np.load(place.seeds["motions/walk.npz"]) as archive:
            np.savez(path, **{**archive, "provenance": np.array(text)})
    elif ending == "safetensors":
        _with_header(place, path, text)
    elif ending == "bvh":
        place.copy("motions/walk.bvh", path.name)
        place.write(f"{path.name}.provenance.json", text)
    else:
        _with_comment(place, path, text)
    ways = [["info", str(path)], ["info", str(path), "--json"]]
    if ending != "mp4":
        ways.append(["data", "convert", str(path), "-o", str(place.output)])
    return Command(place.rng.choice(ways))


def _with_header(place: Place, path: Path, text: str) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(place.seeds["motions/walk.safetensors"], "np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = file.metadata()
    save_file(tensors, path, metadata={**header, "provenance": text.encode("utf-8", "replace").decode()})


def _with_comment(place: Place, path: Path, text: str) -> None:
    """The good video with a comment; its pictures are copied."""
    import av

    with av.open(str(place.seeds["videos/clip.mp4"])) as source, av.open(str(path), "w") as target:
        target.metadata["comment"] = f"Made by somebody.\n{text}".replace("\0", " ")[:60_000]
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
