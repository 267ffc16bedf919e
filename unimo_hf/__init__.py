# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""UniMo: one autoregressive model for 2D human video and 3D human motion.

The public names below are imported when they are first used, so that `import unimo_hf` is immediate. The classes are
known to the Auto classes and to `transformers.pipeline` from then on, whichever of the two is imported first.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .registration import register_when_transformers_is_used

if TYPE_CHECKING:
    from .decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
    from .decoding.modeling_diffusion_decoder import DiffusionDecoder
    from .model.configuration_motion_vqvae import MotionVQVAEConfig
    from .model.configuration_unimo import UniMoConfig
    from .model.configuration_video_fsq import VideoFSQConfig
    from .model.modeling_motion_vqvae import MotionVQVAE
    from .model.modeling_unimo import UniMoForConditionalGeneration, UniMoModel
    from .model.modeling_video_fsq import VideoFSQ
    from .model.processing_unimo import UniMoProcessor
    from .model.tokenization_unimo import UniMoTokenizer
    from .motion.motion import Motion
    from .pipelines.unimo_pipeline import UniMoPipeline


__version__ = "0.1.0"

__all__ = [
    "DiffusionDecoder",
    "DiffusionDecoderConfig",
    "Motion",
    "MotionVQVAE",
    "MotionVQVAEConfig",
    "UniMoConfig",
    "UniMoForConditionalGeneration",
    "UniMoModel",
    "UniMoPipeline",
    "UniMoProcessor",
    "UniMoTokenizer",
    "VideoFSQ",
    "VideoFSQConfig",
    "__version__",
]

_MODULES = {
    "DiffusionDecoder": "decoding.modeling_diffusion_decoder",
    "DiffusionDecoderConfig": "decoding.configuration_diffusion_decoder",
    "Motion": "motion.motion",
    "MotionVQVAE": "model.modeling_motion_vqvae",
    "MotionVQVAEConfig": "model.configuration_motion_vqvae",
    "UniMoConfig": "model.configuration_unimo",
    "UniMoForConditionalGeneration": "model.modeling_unimo",
    "UniMoModel": "model.modeling_unimo",
    "UniMoPipeline": "pipelines.unimo_pipeline",
    "UniMoProcessor": "model.processing_unimo",
    "UniMoTokenizer": "model.tokenization_unimo",
    "VideoFSQ": "model.modeling_video_fsq",
    "VideoFSQConfig": "model.configuration_video_fsq",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


register_when_transformers_is_used()
