# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The README.md of a Hub repository: its metadata, and how to load what lies there."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from huggingface_hub import ModelCard, ModelCardData

# What stands in the metadata of a card that does not say it itself.
DEFAULTS = {"pipeline_tag": "video-to-video", "license": "unknown"}
TAGS = ("human-motion", "smpl-x", "video-to-motion", "image-to-video-and-motion", "autoregressive", "custom_code")

CARD = """---
library_name: transformers
---

# {title}

A UniMo checkpoint: one autoregressive model that turns a video of a person into 3D motion, and a picture of a person
into a video and its motion.
"""

LOADING = """
## Loading

With the package `unimo_hf`:

```python
from unimo_hf import UniMoPipeline

unimo = UniMoPipeline.from_pretrained("{name}")
motion = unimo.video_to_motion("clip.mp4")
video, motion = unimo.image_to_video_and_motion("person.png", seed=0)
```

With transformers alone, through the code in this repository (`pip install {requirements}`):

```python
import numpy as np
import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoProcessor
from transformers.dynamic_module_utils import get_class_from_dynamic_module

options = {{"trust_remote_code": True, "dtype": torch.float32}}
processor = AutoProcessor.from_pretrained("{name}", trust_remote_code=True)
model = AutoModelForCausalLM.from_pretrained("{name}", **options)
video_fsq = AutoModel.from_pretrained("{name}", subfolder="video_fsq", **options)
motion_vqvae = AutoModel.from_pretrained("{name}", subfolder="motion_vqvae", **options)

frames = np.zeros((17, 128, 128, 3), np.uint8)  # a video: [frames, height, width, 3], {fps:g} frames a second

with torch.no_grad():
    clip = processor(videos=[frames])
    condition = processor(visual_codes=video_fsq.encode(clip["pixel_values"]), task="v2m")
    target = model.generate_target(condition["input_ids"], sequence=condition["sequence"])
    codes = processor.post_process(target, condition["sequence"])
    motion = motion_vqvae.decode(codes["motion"].flatten(2))

# SMPL-X parameters: axis-angle in radians, transl in metres
to_parameters = get_class_from_dynamic_module("motion_features.frames_to_parameters", "{name}")
parameters = to_parameters(motion, motion_vqvae.config.rotation)
```
"""


def write_card(
    folder: Path,
    source: Path,
    title: str,
    name: str,
    requirements: Sequence[str],
    fps: float,
    license_id: str | None = None,
    base_models: Sequence[str] = (),
) -> ModelCardData:
    """Write `README.md`: the card of the checkpoint, or a short one, with complete metadata.

    What a card says stays; missing metadata, tags, and a section on loading are added. `library_name` alone becomes
    what is true of the repository: transformers loads it.

    Args:
        folder (`Path`): The repository folder.
        source (`Path`): The checkpoint, which may have a card.
        title (`str`): Heading of a card that is made here.
        name (`str`): What the examples load.
        requirements (`Sequence[str]`): What the remote code needs.
        fps (`float`): Frames per second that the networks work at.
        license_id (`str`, *optional*): Identifier of the Hub, such as `apache-2.0`; goes before what the card says.
        base_models (`Sequence[str]`, *optional*): Repositories that the weights were made from; likewise.

    Returns:
        `ModelCardData`: The metadata.

    Raises:
        ValueError: If the card or its metadata can't be read; names the file.
    """
    readme = source / "README.md"
    try:
        card = ModelCard.load(readme) if readme.exists() else ModelCard(CARD.format(title=title))
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"The metadata of {readme} can't be read: {error}") from error
    card.data["library_name"] = "transformers"
    for key, value in DEFAULTS.items():
        if not card.data.get(key):
            card.data[key] = value
    if license_id is not None:
        card.data["license"] = license_id
    if base_models:
        card.data["base_model"] = list(base_models)
    tags = card.data.get("tags") or []
    card.data["tags"] = [*tags, *(tag for tag in TAGS if tag not in tags)]
    if "trust_remote_code" not in card.text:
        packages = " ".join(f"'{requirement}'" for requirement in requirements)
        card.text = card.text.rstrip("\n") + "\n" + LOADING.format(name=name, requirements=packages, fps=fps)
    card.save(folder / "README.md")
    return card.data
