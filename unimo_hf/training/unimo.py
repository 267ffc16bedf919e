# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Stage 2: train the AR model on both tasks, the tokenizers frozen (UniMo paper, section 3.3, equation 6)."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from unimo_hf.data.encoding import encode_batch, write_shards
from unimo_hf.data.shards import METADATA, CodeShards, check_tokenizers
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.generation_unimo import Decoding, nearest_to_mean
from unimo_hf.model.modalities import ModalityTokenizer, Table, by_modality
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.model.sequences import Sequence
from unimo_hf.model.tokenization_unimo import UniMoTokenizer
from unimo_hf.motion.body import NUM_BODY_JOINTS, Body
from unimo_hf.pipelines.checkpoint import locate_network
from unimo_hf.training.checkpoints import load_rest
from unimo_hf.training.drawn_dataset import drawn_dataset, held_out
from unimo_hf.training.joints import joints_of_frames, mpjpe_mm
from unimo_hf.training.loop import fit
from unimo_hf.training.recipe import (
    DrawnData,
    Recipe,
    Section,
    Share,
    Side,
    ValidationClips,
    Weight,
    load_recipe,
)
from unimo_hf.training.tiny.unimo_start import NEAREST, start_from_codebooks, take_over_motion_codes

VALIDATION_BATCH = 16
IGNORED = -100  # label of what isn't predicted


@dataclass(frozen=True)
class Tokenizers(Section):
    """Folders of the trained tokenizers."""

    video_fsq: str
    motion_vqvae: str


@dataclass(frozen=True)
class UniMoOptions(Section):
    """Options beyond the paper; at these defaults training is the paper's.

    Attributes:
        v2m_share (`float`): Share of batches with the task V2M; the rest is I2VM.
        motion_smoothing (`float`): Spreads a motion target over neighbouring codes, a Gaussian of this many times the
            code's distance to its nearest neighbour.
        visual_noise (`float`): Largest share of a clip's visual codes that are replaced at the input; the share is
            drawn anew for each clip. The picture that an I2VM sequence starts from stays.
        motion_noise (`float`): The same of its motion codes.
        foreign_motion (`float`): Share of clips whose motion at the input is that of another clip of the batch. The
            model then reads the motion off the video instead of continuing it.
        own_motion (`float`): Share of clips whose motion at the input is what the model says in a pass before. It then
            learns to go on from its own errors (Mihaylova and Martins, 2019, "Scheduled Sampling for Transformers").
        single_frames (`float`): Share of the V2M batches whose target is one frame of each clip, behind the frame
            before it, which half of the time is that of another clip. Sequences are a third as long, and what is right
            can only be read off the video.
        redrawn (`float`): Share of the V2M batches whose clips are those of `redrawn_shards`. The model then learns to
            read people as it makes them itself, less clear than those of its clips.
        start_from_codebooks (`bool`): Start embeddings and heads as smooth functions (random Fourier features) of the
            code vectors, so that neighbouring codes start alike.
        frozen_visual_tables (`bool`): Whether embedding and head of the visual codes stay as they are: most of the
            weights of a small model, and what a stage that teaches new motion codes need not move.
        pose_weight (`float`): Weight of the mean absolute error, in metres, of the joints that the frozen decoder
            makes of the expected code vectors.
        reading_weight (`float`): Weight of the mean absolute error, in metres, of the joints that a linear map reads
            off the condition half-way up (see [`ConditionReader`]).
    """

    v2m_share: Share = 0.5
    motion_smoothing: Weight = 0.0
    visual_noise: Share = 0.0
    motion_noise: Share = 0.0
    foreign_motion: Share = 0.0
    own_motion: Share = 0.0
    single_frames: Share = 0.0
    redrawn: Share = 0.0
    start_from_codebooks: bool = False
    frozen_visual_tables: bool = False
    pose_weight: Weight = 0.0
    reading_weight: Weight = 0.0


@dataclass(frozen=True)
class UniMoRecipe(Recipe):
    """A recipe of the AR model.

    Attributes:
        tokenizers ([`Tokenizers`]): The trained tokenizers, which stay frozen.
        shards (`str`, *optional*): Folder of code shards. If it does not exist and `drawn` is given, the clips are
            drawn and encoded into it once.
        drawn ([`DrawnData`], *optional*): Clips to draw. Without `shards` they are drawn and encoded anew while
            training.
        redrawn_shards (`str`, *optional*): Folder of clips whose pictures a model has made (`unimo data redraw`), for
            V2M alone.
        options ([`UniMoOptions`]): Beyond the paper.
        validation_clips (`int`): Clips held out.
        size (`int`): Side of the pictures, pixels.
    """

    tokenizers: Tokenizers = field(kw_only=True)
    shards: str | None = None
    drawn: DrawnData | None = None
    redrawn_shards: str | None = None
    options: UniMoOptions = field(default_factory=UniMoOptions)
    validation_clips: ValidationClips = 48
    size: Side = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shards is None and self.drawn is None:
            raise ValueError("A recipe of the AR model names `shards`, `drawn`, or both.")
        if (self.redrawn_shards is None) != (self.options.redrawn == 0):
            found = f"redrawn_shards is {self.redrawn_shards!r} and redrawn {self.options.redrawn}"
            raise ValueError(f"{found}; one is of no use without the other.")


class ConditionReader(nn.Module):
    """Joints of the frames of each latent frame of the condition, read off its hidden states half-way up.

    Only for training: what a linear map reads from the mean over the codes of a latent frame, attention has at hand
    from the start. Codes alone teach it slowly, since most of what tells them apart can't be seen in a picture.
    """

    def __init__(self, config: UniMoConfig):
        super().__init__()
        self.frames, self.codes = config.table["visual"].frames, config.table["visual"].codes
        self.linear = nn.Linear(config.hidden_size, self.frames * NUM_BODY_JOINTS * 3)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Hidden states `(B, codes of t latent frames, width)` to joints `(B, 8 (t - 1) + 1, 22, 3)`."""
        hidden_states = F.rms_norm(hidden_states.float(), hidden_states.shape[-1:])
        joints = self.linear(hidden_states.unflatten(1, (-1, self.codes)).mean(dim=2))
        return joints.unflatten(2, (self.frames, NUM_BODY_JOINTS, 3)).flatten(1, 2)[:, self.frames - 1 :]


class TargetNetwork(nn.Module):
    """The model up to the logits of its targets, and what is read off its condition."""

    def __init__(self, model: UniMoForConditionalGeneration, reads_condition: bool):
        super().__init__()
        self.model = model
        self.reader = ConditionReader(model.config) if reads_condition else None
        self.layer = (model.config.num_hidden_layers + 1) // 2

    def forward(
        self, input_ids: Tensor, labels: Tensor, sequence: Sequence
    ) -> tuple[dict[str, tuple[Tensor, Tensor]], Tensor | None]:
        """Logits and codes of the targets of each modality, and the joints of the condition if they are read."""
        output = self.model.model(input_ids, sequence=sequence, output_hidden_states=self.reader is not None)
        targets = self.model.target_logits(output.last_hidden_state, labels)
        if self.reader is None:
            return targets, None
        seen = (sequence.holds("visual") & ~sequence.is_target)[0].to(input_ids.device)
        return targets, self.reader(output.hidden_states[self.layer][:, seen])


class UniMoStage:
    """Data, loss and validation of the AR model."""

    def __init__(self, recipe: UniMoRecipe, accelerator: Accelerator):
        self.recipe, self.accelerator = recipe, accelerator
        device = accelerator.device
        self.video_fsq: VideoFSQ = _load_frozen(VideoFSQ, recipe, "video_fsq").to(device)
        self.motion_vqvae: MotionVQVAE = _load_frozen(MotionVQVAE, recipe, "motion_vqvae").to(device)
        self.model = recipe.build_model(UniMoForConditionalGeneration)
        self.tokenizers = by_modality(self.video_fsq, self.motion_vqvae)
        _check_tokenizers(self.model.config.table, self.tokenizers)
        if recipe.start is not None:
            take_over_motion_codes(self.model, recipe.start, self.motion_vqvae)
        elif recipe.options.start_from_codebooks:
            start_from_codebooks(self.model, self.video_fsq, self.motion_vqvae)
        if recipe.options.frozen_visual_tables:
            if self.model.is_unified:
                raise ValueError("frozen_visual_tables needs a table and a head for each modality; the model has one.")
            self.model.head("visual").requires_grad_(False)
            self.model.model.embed_tokens.visual.requires_grad_(False)
        self.network = TargetNetwork(self.model, reads_condition=bool(recipe.options.reading_weight))
        if recipe.start is not None and recipe.options.reading_weight:
            load_rest(self.network, Path(recipe.start))
        self.processor = make_processor(self.model.config, self.motion_vqvae, recipe.size)
        with accelerator.main_process_first():
            clips = self.clips()
        self.dataset, self.validation = held_out(clips, recipe.validation_clips)
        self.redrawn = None if recipe.redrawn_shards is None else self.read_shards(recipe.redrawn_shards)
        self.body = Body.load()
        codes = self.motion_vqvae.codebook.codes
        self.targets = (
            smoothed_targets(codes, recipe.options.motion_smoothing) if recipe.options.motion_smoothing else None
        )

    def clips(self) -> Dataset:
        """The clips of the recipe; drawn ones are encoded into shards first if the recipe says where."""
        drawn, shards = self.recipe.drawn, self.recipe.shards
        if shards is None:
            return drawn_dataset(drawn or DrawnData())
        if drawn is not None and not (Path(shards) / METADATA).exists():
            dataset = drawn_dataset(drawn)
            count = len(dataset)  # type: ignore[arg-type]
            clips = (dataset[index] for index in range(count))
            with tqdm(total=count, desc="encoding", unit="clip", dynamic_ncols=True, disable=None) as bar:
                for done in write_shards(clips, shards, self.tokenizers):
                    bar.update(done - bar.n)
        return self.read_shards(shards)

    def read_shards(self, shards: str) -> CodeShards:
        """The clips of a folder, if they have codes of the recipe's tokenizers."""
        encoded = CodeShards(shards)
        check_tokenizers(encoded, self.tokenizers)
        return encoded

    def loss(self, network: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean cross-entropy of the target codes of one task, drawn for the batch."""
        options = self.recipe.options
        task = "v2m" if float(torch.rand(())) < options.v2m_share else "i2vm"
        if task == "v2m" and self.redrawn is not None and float(torch.rand(())) < options.redrawn:
            batch = some_clips(self.redrawn, like=batch)
        codes = self.codes(batch)
        motion_codes = codes["motion"]
        inputs = self.processor.build_sequence(task, codes)
        sequence = inputs["sequence"].to(inputs["input_ids"].device)
        input_ids, labels = self.corrupt(inputs["input_ids"], sequence), inputs["labels"]
        frame = None
        if task == "v2m" and float(torch.rand(())) < options.single_frames:
            frame = int(torch.randint(motion_codes.shape[1], ()))
            input_ids, labels, sequence = self.keep_frame(frame, input_ids, labels, sequence)
        if options.own_motion:
            input_ids = self.go_on_from_own(input_ids, labels, sequence)
        with self.accelerator.autocast():
            targets, read = network(input_ids, labels, sequence)
        loss, figures = self.cross_entropy(targets)
        figures[f"loss_{task}"] = loss
        for name, (weight, error) in self.pose_errors(targets["motion"][0], read, motion_codes, frame).items():
            loss, figures[name] = loss + weight * error, error
        return loss, figures

    def cross_entropy(self, targets: dict[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        """The paper's loss: mean cross-entropy over all targets; targets of motion spread over their neighbours."""
        total, count, figures = 0.0, max(1, sum(len(codes) for _, codes in targets.values())), {}
        for name, (logits, codes) in targets.items():
            goals = self.targets[codes] if name == "motion" and self.targets is not None else codes
            summed = F.cross_entropy(logits.float(), goals, reduction="sum")
            total, figures[name] = total + summed / count, summed.detach() / max(1, len(codes))
        return total, {"motion": figures["motion"]}

    def pose_errors(
        self, motion_logits: Tensor, read: Tensor | None, motion_codes: Tensor, frame: int | None
    ) -> dict[str, tuple[float, Tensor]]:
        """Weights and mean absolute errors, in metres, of the joints of the expected codes and of those read."""
        options = self.recipe.options
        errors: dict[str, tuple[float, Tensor]] = {}
        if not (options.pose_weight or options.reading_weight):
            return errors
        truth = self.joints(motion_codes)
        if options.pose_weight:
            expected = motion_logits.float().softmax(dim=-1) @ self.motion_vqvae.codebook.codes
            frames = self.motion_vqvae.decode_latents(expected.view(len(motion_codes), -1, expected.shape[-1]))
            joints, _ = joints_of_frames(self.body, frames, self.motion_vqvae.config.rotation)
            # A frame alone is decoded without its neighbours, so its truth is too.
            target = truth if frame is None else self.joints(motion_codes[:, frame : frame + 1])
            errors["pose"] = options.pose_weight, (joints - target).abs().mean()
        if read is not None:
            errors["reading"] = options.reading_weight, (read - truth[:, : read.shape[1]]).abs().mean()
        return errors

    def codes(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Codes of a batch by modality, encoded here if the batch was drawn."""
        if batch.keys() >= self.tokenizers.keys():
            return {name: batch[name] for name in self.tokenizers}
        with self.accelerator.autocast():
            return encode_batch(batch, self.tokenizers)

    def corrupt(self, input_ids: Tensor, sequence: Sequence) -> Tensor:
        """Replace some codes at the input by those of another clip and by random ones; labels stay."""
        vocabulary, options = self.model.config.vocabulary, self.recipe.options
        is_motion = sequence.holds("motion") & sequence.is_target
        is_foreign = _rows(input_ids) < options.foreign_motion
        input_ids = torch.where(is_motion & is_foreign, input_ids.roll(1, dims=0), input_ids)
        is_visual = sequence.holds("visual")
        if sequence.task == "i2vm":
            is_visual = is_visual & sequence.is_target
        for name, replaceable, largest_share in (
            ("visual", is_visual, options.visual_noise),
            ("motion", is_motion, options.motion_noise),
        ):
            first, end = vocabulary.ranges[name]
            share = _rows(input_ids) * largest_share
            replaced = replaceable & (torch.rand(input_ids.shape, device=input_ids.device) < share)
            input_ids = torch.where(replaced, torch.randint_like(input_ids, end - first) + first, input_ids)
        return input_ids

    @torch.no_grad()
    def go_on_from_own(self, input_ids: Tensor, labels: Tensor, sequence: Sequence) -> Tensor:
        """Replace the motion of some clips at the input by what the model says to that input."""
        first, _ = self.model.config.vocabulary.ranges["motion"]
        is_motion = (labels != IGNORED) & sequence.holds("motion")
        only_motion = labels.masked_fill(~is_motion, IGNORED)  # spares the head of the pictures
        with self.accelerator.autocast():
            hidden_states = self.model.model(input_ids, sequence=sequence).last_hidden_state
            logits, _codes = self.model.target_logits(hidden_states, only_motion)["motion"]
        codes = nearest_to_mean(logits, self.motion_vqvae.codebook.codes)
        own = input_ids.masked_scatter(is_motion, codes + first)
        return torch.where(_rows(input_ids) < self.recipe.options.own_motion, own, input_ids)

    def keep_frame(
        self, frame: int, input_ids: Tensor, labels: Tensor, sequence: Sequence
    ) -> tuple[Tensor, Tensor, Sequence]:
        """Cut V2M sequences down to the condition, the frame before `frame`, and `frame`, which alone has labels.

        Without the frame before, the first code would not know which frame it is of.
        """
        codes = self.model.config.table["motion"].codes
        condition_length = int((~sequence.is_target[0]).sum())
        start = condition_length + frame * codes
        kept = [*range(condition_length), *range(max(condition_length, start - codes), start + codes)]
        input_ids, labels, sequence = input_ids[:, kept], labels[:, kept].clone(), sequence.at(kept)
        before = slice(condition_length, len(kept) - codes)
        labels[:, before] = IGNORED
        is_foreign = _rows(input_ids) < 0.5
        input_ids[:, before] = torch.where(is_foreign, input_ids[:, before].roll(1, dims=0), input_ids[:, before])
        return input_ids, labels, sequence

    def validate(self) -> dict[str, float]:
        """V2M on held-out clips against the decoded true codes: MPJPE, mm.

        Where targets were spread over neighbouring codes, codes are the mean ones, else the likeliest.
        """
        model, errors = self.model, []
        vectors = {"motion": self.motion_vqvae.code_vectors()} if self.recipe.options.motion_smoothing else {}
        decoding = Decoding(do_sample=False, vectors=vectors)
        for clips in DataLoader(self.validation, VALIDATION_BATCH, generator=torch.Generator()):
            codes = self.codes({key: value.to(self.accelerator.device) for key, value in clips.items()})
            condition = self.processor.build_condition("v2m", {"visual": codes["visual"]})
            sequence = condition["sequence"]
            target = model.generate_target(condition["input_ids"], sequence=sequence, decoding=decoding)
            predicted = self.processor.post_process(target, sequence)["motion"].flatten(2)
            errors.append(mpjpe_mm(self.joints(predicted), self.joints(codes["motion"])))
        return {"v2m_mpjpe": float(torch.cat(errors).mean())}

    def joints(self, motion_codes: Tensor) -> Tensor:
        """Root-aligned joints `(B, T, 22, 3)` of motion codes, metres."""
        frames = self.motion_vqvae.decode(motion_codes)
        return joints_of_frames(self.body, frames, self.motion_vqvae.config.rotation)[0]


def _rows(sequences: Tensor) -> Tensor:
    """A uniform number for each row, `(rows, 1)`."""
    return torch.rand(len(sequences), 1, device=sequences.device)


def some_clips(clips: CodeShards, like: dict[str, Tensor]) -> dict[str, Tensor]:
    """A batch of clips drawn by chance, as large as another."""
    example = next(iter(like.values()))
    drawn = [clips[index] for index in torch.randint(len(clips), (len(example),)).tolist()]
    return {key: torch.stack([clip[key] for clip in drawn]).to(example.device) for key in drawn[0]}


def _load_frozen(kind: Any, recipe: UniMoRecipe, name: str) -> Any:
    """A tokenizer in float32, as pipelines load it: in half precision some clips would get other codes."""
    folder = getattr(recipe.tokenizers, name)
    try:
        located = locate_network(kind, folder)
        return kind.from_pretrained(located, dtype=torch.float32).eval().requires_grad_(False)
    except (OSError, TypeError, ValueError) as error:
        reason = f"it can't be loaded ({error})" if Path(folder).is_dir() else "there is no such folder or repository"
        raise ValueError(f"The recipe's tokenizers.{name} is {folder!r}: {reason}.") from error


def _check_tokenizers(table: Table, tokenizers: dict[str, ModalityTokenizer]) -> None:
    for name, tokenizer in tokenizers.items():
        for what, (found, wanted) in table[name].differences(tokenizer.modality).items():
            raise ValueError(f"The {what} of the model is {found}; its tokenizers have {wanted}.")


def make_processor(config: UniMoConfig, motion_vqvae: MotionVQVAE, size: int) -> UniMoProcessor:
    """The processor that fits a model and its tokenizers."""
    tokenizer = UniMoTokenizer(list(config.vocabulary.sizes.items()), config.num_special_tokens)
    return UniMoProcessor(
        tokenizer,
        size=size,
        frames=config.frames,
        fps=motion_vqvae.config.fps,
        modalities=config.modalities,
        interleaving=config.interleaving,
    )


def smoothed_targets(codes: Tensor, smoothing: float) -> Tensor:
    """Target distribution of each code, `(codes, codes)`: a Gaussian in units of its nearest neighbour's distance.

    The unit is each code's own: with one for all, codes in sparse places would keep all of their weight and those in
    dense places little, and the likeliest code would always be an outlying one.

    Args:
        codes (`torch.Tensor` of shape `(codes, D)`): The codebook.
        smoothing (`float`): Standard deviation of the Gaussian, in those units.
    """
    distances = torch.cdist(codes.float(), codes.float())
    itself = torch.eye(len(codes), dtype=torch.bool, device=codes.device)
    nearest = distances.masked_fill(itself, float("inf")).amin(dim=1, keepdim=True).clamp_min(NEAREST)
    return F.softmax(-((distances / (smoothing * nearest)) ** 2) / 2, dim=1)


def train(
    recipe: str | Path | UniMoRecipe, output: str | None = None, resume: bool = True
) -> UniMoForConditionalGeneration:
    """Train an AR model by a recipe and save it with its tokenizers: the recipe's `output` is a whole checkpoint."""
    if not isinstance(recipe, UniMoRecipe):
        recipe = load_recipe(recipe, UniMoRecipe, output=output)
    save_beside = partial(_save_beside, recipe)
    return fit(partial(UniMoStage, recipe), recipe.optimisation, Path(recipe.output), resume, save_beside)


def _save_beside(recipe: UniMoRecipe, model: UniMoForConditionalGeneration, folder: Path) -> None:
    """Put the processor and both tokenizers into the folder of a model."""
    motion_vqvae = MotionVQVAE.from_pretrained(locate_network(MotionVQVAE, recipe.tokenizers.motion_vqvae))
    make_processor(model.config, motion_vqvae, recipe.size).save_pretrained(folder)
    motion_vqvae.save_pretrained(folder / "motion_vqvae")
    video_fsq = VideoFSQ.from_pretrained(locate_network(VideoFSQ, recipe.tokenizers.video_fsq))
    video_fsq.save_pretrained(folder / "video_fsq")


if __name__ == "__main__":
    import sys

    train(sys.argv[1])
