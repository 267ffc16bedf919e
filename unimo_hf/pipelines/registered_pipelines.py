# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The two tasks behind `transformers.pipeline`: thin wrappers around [`UniMoPipeline`].

A pipeline of transformers holds one model. This is the AR model; the two tokenizers come from the folder or repository
that it came from.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from transformers import AutoModelForCausalLM, Pipeline
from transformers.pipelines import PIPELINE_REGISTRY

from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.motion.motion import Motion
from unimo_hf.pipelines.checkpoint import folder_here
from unimo_hf.pipelines.unimo_pipeline import UniMoPipeline
from unimo_hf.video.reading import Video

OPTIONS = ("do_sample", "top_p", "temperature", "seed")


@dataclass(frozen=True)
class Sealed:
    """Keeps a value whole on its way through a pipeline, which would make a bare tuple of a [`Video`]."""

    value: Any


class UniMoTaskPipeline(Pipeline):
    """What both tasks share: one input or a list of them in, one result or a list of them out."""

    _load_tokenizer = _load_processor = _load_image_processor = _load_feature_extractor = False
    _pipeline_calls_generate = False

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not isinstance(self.model, UniMoForConditionalGeneration):
            raise ValueError(
                f"The task {self.task!r} needs a UniMoForConditionalGeneration, found a {type(self.model).__name__}."
            )
        name = self.model.name_or_path
        if not name:
            raise ValueError(
                "The AR model does not say where its tokenizers lie: load it with `from_pretrained`, or compose a "
                "UniMoPipeline."
            )
        revision = getattr(self.model.config, "_commit_hash", None)
        self.unimo = UniMoPipeline.from_pretrained(name, model=self.model, revision=revision).to(self.device)
        # What transformers saves with a pipeline, and asks for before it makes batches.
        self.processor, self.tokenizer = self.unimo.processor, self.unimo.processor.tokenizer

    @abstractmethod
    def run(self, value: Any, **options: Any) -> Any:
        """Run the task on one input."""

    def preprocess(self, inputs: Any) -> dict[str, Sealed]:
        """Files are read window by window, where the model runs."""
        return {"value": Sealed(inputs)}

    def _sanitize_parameters(self, **options: Any) -> tuple[dict, dict, dict]:
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise ValueError(f"The task {self.task!r} has no options {unknown}; it has {list(OPTIONS)}.")
        return {}, options, {}

    def _forward(self, model_inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
        sealed = model_inputs["value"]
        if isinstance(sealed, list):  # batch_size > 1
            return {"value": [Sealed(self.run(one.value, **options)) for one in sealed]}
        return {"value": Sealed(self.run(sealed.value, **options))}

    def postprocess(self, model_outputs: dict[str, Any]) -> Any:
        """Give the result of one input."""
        sealed = model_outputs["value"]
        return sealed[0].value if isinstance(sealed, list) else sealed.value


class VideoToMotionPipeline(UniMoTaskPipeline):
    """`pipeline("video-to-motion", model=PATH)`: a video (file or [`Video`]) becomes a [`Motion`].

    Example:

    ```python
    >>> import unimo_hf
    >>> from transformers import pipeline
    >>> motion = pipeline("video-to-motion", model="runs/unimo_tiny")("clip.mp4")
    ```
    """

    def run(self, value: Any, **options: Any) -> Motion:
        """See [`UniMoPipeline.video_to_motion`]."""
        return self.unimo.video_to_motion(value, **options)


class ImageToVideoAndMotionPipeline(UniMoTaskPipeline):
    """`pipeline("image-to-video-and-motion", model=PATH)`: a picture becomes a video and its motion.

    Example:

    ```python
    >>> import unimo_hf
    >>> from transformers import pipeline
    >>> video, motion = pipeline("image-to-video-and-motion", model="runs/unimo_tiny")("person.png", seed=0)
    ```
    """

    def run(self, value: Any, **options: Any) -> tuple[Video, Motion]:
        """See [`UniMoPipeline.image_to_video_and_motion`]."""
        return self.unimo.image_to_video_and_motion(value, **options)


TASKS = {
    "video-to-motion": VideoToMotionPipeline,
    "image-to-video-and-motion": ImageToVideoAndMotionPipeline,
}


def register_pipelines() -> None:
    """Make both tasks known to `transformers.pipeline`, with the checkpoint that ships; more calls change nothing."""
    for task, pipeline_class in TASKS.items():
        if task not in PIPELINE_REGISTRY.get_supported_tasks():
            PIPELINE_REGISTRY.register_pipeline(
                task,
                pipeline_class=pipeline_class,
                pt_model=AutoModelForCausalLM,
                default={"model": (str(folder_here("unimo-tiny")), "main")},
                type="multimodal",
            )
            # transformers writes these facts into the config of a saved pipeline: not where a folder lies here.
            facts = pipeline_class._registered_impl[task]
            pipeline_class._registered_impl = {task: {key: facts[key] for key in facts if key != "default"}}
