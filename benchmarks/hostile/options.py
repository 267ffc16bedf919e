# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Values of options that can't be."""

from hostile.cases import OUT, Command, Place, kind

# Placeholders: {motion}, {video}, {picture}, {clips}, {shards}, {model}, {out}, {in}.
RENDER = "data render {motion} -o {out}/new --clips 1 --frames 9 --size 32 --workers 1"
V2M = "v2m {video} -o {out} --model {model} --no-overlay"
I2VM = "i2vm {picture} -o {out} --model {model}"
CONVERT = "data convert {motion} -o {out}"
EVALUATE = "evaluate v2m {clips} --model {model}"
VQVAE = "evaluate motion-vqvae {motion} --model {model}"
REDRAW = "data redraw {shards} -o {out}/new --model {model}"

LINES: list[str] = [
    *(f"{RENDER} --clips {value}" for value in ("0", "-1", "1e3", "nan", "x")),
    *(f"{RENDER} --size {value}" for value in ("0", "33", "-32", "1000000", "31.5")),
    *(f"{RENDER} --fps {value}" for value in ("0", "nan", "inf", "-1", "1e300", "1")),
    *(f"{RENDER} --frames {value}" for value in ("0", "8", "-7", "1000000001", "9999999999999999999999")),
    *(f"{RENDER} --seed {value}" for value in ("-1", "99999999999999999999999", "x")),
    *(f"{RENDER} --workers {value}" for value in ("0", "-1")),
    f"{RENDER} --camera sideways",
    *(f"{V2M} --temperature {value}" for value in ("0", "nan", "inf", "-1", "1e300", "1e-300", "0.01")),
    *(f"{V2M} --top-p {value}" for value in ("nan", "-1", "2", "0", "1e-300")),
    *(f"{V2M} --sample --temperature {value}" for value in ("nan", "inf", "1e300")),
    *(f"{V2M} --sample --top-p {value}" for value in ("nan", "0", "1e-300")),
    *(f"{V2M} --seed {value}" for value in ("99999999999999999999", "-1", "18446744073709551616", "x")),
    *(
        f"{V2M} --device {value}"
        for value in ("cuda", "x", "cpu:1", "cuda:99", "meta", "''", "cpu:-1", "mps", "cuda:x")
    ),
    *(f"{I2VM} --temperature {value}" for value in ("nan", "inf")),
    *(f"{I2VM} --video-decoder {value}" for value in ("diffusion", "x")),
    *(f"{CONVERT} --fps {value}" for value in ("0", "nan", "-30", "inf", "1e300", "1e-9")),
    *(f"{CONVERT} {value}" for value in ("--up x", "--coordinates x", "--format glb", "--up z --coordinates camera")),
    *(f"{EVALUATE} --batch-size {value}" for value in ("0", "-1", "999999999999")),
    *(f"{EVALUATE} --accel-variant x --seed {value}" for value in ("1",)),
    *(f"{VQVAE} --frames {value}" for value in ("0", "-1", "1", "2", "999999999999", "9999999999999999999999")),
    *(f"{VQVAE} --batch-size {value}" for value in ("0", "999999999999999999999")),
    *(f"{REDRAW} --clips {value}" for value in ("0", "-1", "4", "999999999999999999999")),
    *(f"{REDRAW} --clips 2 --top-p {value}" for value in ("nan", "0", "-1")),
    *(f"{REDRAW} --clips 2 --batch-size {value}" for value in ("0", "999999999999")),
    *(
        f"v2m {{video}} -o {{out}} --model {value}"
        for value in ("", "x", "a/b/c", "../x", "no/such", "~", "unimo-huge", ".")
    ),
    *(f"v2m {{video}} -o {value}" for value in ("''", "/dev/null", "{video}")),
    *(
        "v2m",
        "v2m ''",
        "v2m . -o {out}",
        "v2m * -o {out}",
        "v2m ** -o {out}",
        "v2m [ -o {out}",
        "v2m {in}/**/* -o {out}",
    ),
    *("train unimo", "train unimo ''", "train unimo /dev/zero", "train unimo .", "train x y", "train unimo {video}"),
    *("data encode {out} -o {out}", "data encode /dev/null -o {out}", "data encode {clips}"),
    *("data convert {in} -o {out}", "data convert '' -o ''", "data convert {motion} -o {motion}"),
    *(
        "evaluate v2m /dev/null",
        "evaluate i2vm {out}",
        "evaluate motion-vqvae",
        "evaluate motion-vqvae {out}",
        "evaluate x",
    ),
    *("demo -o /dev/null", "demo --model x", "--traceback v2m", "--nonsense", "nonsense", "data", "data render"),
]


@kind("options", LINES)
def options(place: Place, line: str) -> Command:
    """A command line with a value that can't be."""
    import shlex

    words = {
        "motion": place.seeds["motions/walk.npz"],
        "video": place.seeds["videos/clip.mp4"],
        "picture": place.seeds["pictures/person.png"],
        "clips": place.seeds["clips"],
        "shards": place.seeds["shards"],
        "model": place.seeds["checkpoint"],
        "out": place.output,
        "in": place.input,
    }
    # An empty name of a folder is the folder that one is in.
    return Command([word.format(**words) for word in shlex.split(line)], writes="cwd" if "-o ''" in line else OUT)
