# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Make the classes of this package known to the Auto classes and to `transformers.pipeline`.

Registering needs the classes, and importing them imports torch, transformers and (by transformers' own doing)
accelerate: seconds, for a user who may only want `unimo --help` or a `Motion`. So `import unimo_hf` registers at once
only where the Auto classes are loaded already, and else asks Python's import system to be told when they are.
"""

import importlib.machinery
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

_AUTO_CONFIG = "transformers.models.auto.configuration_auto"
_AUTO_MODEL = "transformers.models.auto.modeling_auto"
_AUTO_CLASSES = (
    _AUTO_MODEL,
    "transformers.models.auto.processing_auto",
    "transformers.models.auto.tokenization_auto",
)
# Modules that load the Auto classes on their way: while they are half loaded, our classes cannot import them.
_LOADERS_OF_AUTO_CLASSES = (
    "transformers.modelcard",
    "transformers.modeling_layers",
    "transformers.pipelines",
    "transformers.trainer",
)


def register_when_transformers_is_used() -> None:
    """Register now if transformers' Auto classes are loaded, else as soon as they are."""
    if _AUTO_MODEL in sys.modules:
        register_classes()
    elif not any(isinstance(finder, _RegisteringFinder) for finder in sys.meta_path):
        if _AUTO_CONFIG in sys.modules:
            register_configurations()
        sys.meta_path.insert(0, _RegisteringFinder())


def register_configurations() -> None:
    """Register the configuration classes with `AutoConfig`."""
    from transformers import AutoConfig

    from .decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
    from .model.configuration_motion_vqvae import MotionVQVAEConfig
    from .model.configuration_unimo import UniMoConfig
    from .model.configuration_video_fsq import VideoFSQConfig

    for configuration in (UniMoConfig, MotionVQVAEConfig, VideoFSQConfig, DiffusionDecoderConfig):
        AutoConfig.register(configuration.model_type, configuration, exist_ok=True)


def register_classes() -> None:
    """Register every class of a checkpoint with its Auto class, and the two pipelines with `transformers.pipeline`."""
    from transformers import AutoModel, AutoModelForCausalLM, AutoProcessor, AutoTokenizer

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
    from .pipelines.registered_pipelines import register_pipelines

    register_configurations()
    AutoModel.register(UniMoConfig, UniMoModel, exist_ok=True)
    AutoModel.register(MotionVQVAEConfig, MotionVQVAE, exist_ok=True)
    AutoModel.register(VideoFSQConfig, VideoFSQ, exist_ok=True)
    AutoModel.register(DiffusionDecoderConfig, DiffusionDecoder, exist_ok=True)
    AutoModelForCausalLM.register(UniMoConfig, UniMoForConditionalGeneration, exist_ok=True)
    AutoTokenizer.register(UniMoConfig, tokenizer_class=UniMoTokenizer, exist_ok=True)
    AutoProcessor.register(UniMoConfig, UniMoProcessor, exist_ok=True)
    register_pipelines()


class _RegisteringFinder(MetaPathFinder):
    """Finds modules as Python would; registers once the Auto classes are there and no class of ours is half loaded."""

    def __init__(self) -> None:
        self._being_loaded = 0
        self._configurations_are_registered = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        ours = fullname.startswith(f"{__package__}.")
        if not ours and fullname not in (_AUTO_CONFIG, *_AUTO_CLASSES, *_LOADERS_OF_AUTO_CLASSES):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            self._being_loaded += 1
            try:
                execute(module)
            finally:
                self._being_loaded -= 1
            if self._being_loaded == 0 and self in sys.meta_path:
                self._register()

        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec

    def _register(self) -> None:
        if any(name in sys.modules for name in _AUTO_CLASSES):
            sys.meta_path.remove(self)
            register_classes()
        elif _AUTO_CONFIG in sys.modules and not self._configurations_are_registered:
            self._configurations_are_registered = True
            register_configurations()
