# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The recipe of stage 2: which tasks, on which data, with what corrupted and which losses beside the paper's."""

from dataclasses import dataclass, field
from typing import Annotated

from unimo_hf.model.number_ranges import WEIGHT, shown
from unimo_hf.model.tasks import TASKS
from unimo_hf.training.frozen_tokenizers import check_names
from unimo_hf.training.recipe import DrawnData, Recipe, Section, Share, Side, ValidationClips, Weight
from unimo_hf.training.tiny.pose_losses import Auxiliary

INITS = ("random", "codebooks")


@dataclass(frozen=True)
class TaskShare(Section):
    """A task of the mixture.

    Attributes:
        weight (`float`): How often a batch is of this task, in parts of the sum of all weights.
        data (`tuple[str, ...]`): Folders of code shards, from each of which as many batches are; those of the recipe
            by default. Of the recipe's own folder the held-out clips are left out, of others none.
        single_frames (`float`): Share of the batches whose target is one tick of each clip, behind the tick before it,
            which half of the time is that of another clip. Sequences are shorter, and what is right can only be read
            off the condition. For a target of one modality.
    """

    weight: Weight
    data: tuple[str, ...] = ()
    single_frames: Share = 0.0


@dataclass(frozen=True)
class Corruption(Section):
    """What is replaced of a modality at the input; labels stay. Codes of a condition stay if the target has some too.

    Attributes:
        noise (`float`): Largest share of a clip's codes that are replaced by random ones; the share is drawn anew for
            each clip.
        foreign (`float`): Share of clips whose target at the input is that of another clip of the batch. The model
            then reads it off the condition instead of continuing it.
        scheduled_sampling (`float`): Share of clips whose target at the input is what the model says in a pass before.
            It then learns to go on from its own errors (Mihaylova and Martins, 2019, "Scheduled Sampling for
            Transformers").
    """

    noise: Share = 0.0
    foreign: Share = 0.0
    scheduled_sampling: Share = 0.0


def paper_mixture() -> dict[str, TaskShare]:
    """Both tasks of the paper, equally often."""
    return {"v2m": TaskShare(0.5), "i2vm": TaskShare(0.5)}


@dataclass(frozen=True)
class UniMoRecipe(Recipe):
    """A recipe of the AR model. With the defaults of all fields from `mixture` on training is the paper's.

    Attributes:
        tokenizers (`dict[str, str]`): Folders or Hub names of the trained tokenizers, which stay frozen, by their
            names in a checkpoint.
        shards (`str`, *optional*): Folder of code shards. If it does not exist and `drawn` is given, the clips are
            drawn and encoded into it once.
        drawn ([`DrawnData`], *optional*): Clips to draw. Without `shards` they are drawn and encoded anew while
            training.
        validation_clips (`int`): Clips held out.
        size (`int`): Side of the pictures, pixels.
        mixture (`dict[str, TaskShare]`): The tasks, by name; each batch is of one of them.
        corruption (`dict[str, Corruption]`): What is replaced at the input, by modality.
        label_smoothing (`dict[str, float]`): Spreads targets over neighbouring codes, by modality: a Gaussian of this
            many times the code's distance to its nearest neighbour.
        auxiliary ([`Auxiliary`]): Weights of the losses beside the cross-entropy.
        init (`str`): `random`, or `codebooks`: embeddings and heads start as smooth functions (random Fourier
            features) of the code vectors, so that neighbouring codes start alike. A `start` has its own.
        freeze (`tuple[str, ...]`): Names of weights of the model, or of modules with weights, that stay as they are.
    """

    tokenizers: dict[str, str] = field(kw_only=True)
    shards: str | None = None
    drawn: DrawnData | None = None
    validation_clips: ValidationClips = 48
    size: Side = 128
    mixture: dict[str, TaskShare] = field(default_factory=paper_mixture)
    corruption: dict[str, Corruption] = field(default_factory=dict)
    label_smoothing: Annotated[dict[str, float], WEIGHT] = field(default_factory=dict)
    auxiliary: Auxiliary = field(default_factory=Auxiliary)
    init: str = "random"
    freeze: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names(self.tokenizers)
        if self.shards is None and self.drawn is None:
            raise ValueError("A recipe of the AR model names `shards`, `drawn`, or both.")
        if unknown := sorted(self.mixture.keys() - TASKS.keys()):
            raise ValueError(f"mixture names the task {shown(unknown[0])}; there are {sorted(TASKS)}.")
        if not sum(entry.weight for entry in self.mixture.values()):
            raise ValueError(f"mixture has the tasks {sorted(self.mixture)}, whose weights sum to 0; more is needed.")
        if self.init not in INITS:
            raise ValueError(f"init is {shown(self.init)}; allowed are {list(INITS)}.")
        if self.init != "random" and self.start is not None:
            raise ValueError(f"init is {self.init!r} and start {self.start!r}, which has tables of its own; name one.")
