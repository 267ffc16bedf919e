# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Stage 2: train the AR model on a mixture of tasks, the tokenizers frozen (UniMo paper, section 3.3, equation 6)."""

from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from unimo_hf.data.encoding import encode_batch, write_shards
from unimo_hf.data.shards import METADATA, CodeShards, check_tokenizers
from unimo_hf.memory import check_memory
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.number_ranges import shown
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.model.sequences import Sequence
from unimo_hf.model.tasks import Task, get_task
from unimo_hf.model.tokenization_unimo import UniMoTokenizer
from unimo_hf.training.checkpoints import load_rest
from unimo_hf.training.corruption import corrupt, scheduled_sampling
from unimo_hf.training.drawn_dataset import drawn_dataset, held_out
from unimo_hf.training.frozen_tokenizers import check_modalities, freeze_tokenizers, load_tokenizers, of_kind
from unimo_hf.training.joints import CodeJoints, mpjpe_mm
from unimo_hf.training.loop import fit
from unimo_hf.training.mixture import Mixture, codes_of, some_clips
from unimo_hf.training.recipe import DrawnData, load_recipe
from unimo_hf.training.tiny.pose_losses import ConditionReader, PoseLosses
from unimo_hf.training.tiny.single_frames import check_task, keep_tick
from unimo_hf.training.tiny.unimo_start import NEAREST, start_from_codebooks, take_over_motion_codes
from unimo_hf.training.unimo_recipe import UniMoRecipe

VALIDATION_BATCH = 16
NAMES_SHOWN = 8  # of modules, in a message


class TargetNetwork(nn.Module):
    """The model up to the logits of its targets, and what is read off its condition."""

    def __init__(self, model: UniMoForConditionalGeneration, reader: nn.Module | None):
        super().__init__()
        self.model, self.reader = model, reader
        self.layer = (model.config.num_hidden_layers + 1) // 2

    def forward(
        self, input_ids: Tensor, labels: Tensor, sequence: Sequence
    ) -> tuple[dict[str, tuple[Tensor, Tensor]], Tensor | None]:
        """Logits and codes of the targets of each modality, and what is read off the condition, if anything is."""
        output = self.model.model(input_ids, sequence=sequence, output_hidden_states=self.reader is not None)
        targets = self.model.target_logits(output.last_hidden_state, labels)
        return targets, None if self.reader is None else self.reader(output.hidden_states[self.layer], sequence)


class UniMoStage:
    """Data, loss and validation of the AR model."""

    def __init__(self, recipe: UniMoRecipe, accelerator: Accelerator):
        self.recipe, self.accelerator = recipe, accelerator
        self.tokenizers = freeze_tokenizers(recipe.tokenizers, accelerator.device)
        motion_vqvae = of_kind(self.tokenizers, MotionVQVAE)
        self.model = recipe.build_model(UniMoForConditionalGeneration)
        config = self.model.config
        check_modalities(config, self.tokenizers)
        if recipe.start is not None:
            take_over_motion_codes(self.model, recipe.start, motion_vqvae)
        elif recipe.init == "codebooks":
            start_from_codebooks(self.model, self.tokenizers.values())
        freeze(self.model, recipe)
        reader = None
        if recipe.auxiliary.probe:
            seen = of_kind(self.tokenizers, VideoFSQ).modality.name
            reader = ConditionReader(config.table[seen], config.hidden_size)
        self.network = TargetNetwork(self.model, reader)
        if recipe.start is not None and reader is not None:
            load_rest(self.network, Path(recipe.start))
        self.processor = make_processor(config, motion_vqvae, recipe.size)
        self._check_names()  # before clips are drawn, which may take hours
        with accelerator.main_process_first():
            clips = self.clips()
        self.dataset, self.validation = held_out(clips, recipe.validation_clips)
        held = clips.shapes.keys() if isinstance(clips, CodeShards) else self.tokenizers.keys()
        self.mixture = Mixture(recipe, held, self.read_shards)
        self.joints = CodeJoints(motion_vqvae)
        self.pose_losses = PoseLosses(recipe.auxiliary, motion_vqvae, self.joints)
        widths = {name: width for name, width in recipe.label_smoothing.items() if width}
        vectors = {name: self.tokenizers[name].code_vectors() for name in widths}
        self.targets = {name: smoothed_targets(codes, widths[name]) for name, codes in vectors.items()}
        # Where targets are spread over neighbouring codes, the model says the mean one, else the likeliest.
        self.decoding = Decoding(do_sample=False, vectors=vectors)

    def _check_names(self) -> None:
        """Raise `ValueError` if the recipe speaks of a modality or asks something of a task that has no such."""
        recipe, table = self.recipe, self.model.config.table
        for field, known in (("corruption", table), ("label_smoothing", self.tokenizers)):
            if unknown := sorted(getattr(recipe, field).keys() - known.keys()):
                raise ValueError(
                    f"{recipe.origin}: {field} names the modality {shown(unknown[0])}; there are {sorted(known)}."
                )
        for name, entry in recipe.mixture.items():
            try:
                self.processor.lay_out(name)
                if entry.single_frames:
                    check_task(get_task(name), table)
            except ValueError as error:
                raise ValueError(f"{recipe.origin}: mixture.{name}: {error}") from error

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
        """Mean cross-entropy of the target codes of one task, drawn for the batch, and the auxiliary losses."""
        corruption, vocabulary = self.recipe.corruption, self.model.config.vocabulary
        task, entry, others = self.mixture.draw()
        codes = self.codes(batch) if others is None else some_clips(others, like=batch)
        input_ids, labels, sequence = self.sequences(task, codes)
        input_ids = corrupt(input_ids, sequence, corruption, vocabulary)
        if entry.single_frames and float(torch.rand(())) < entry.single_frames:
            of_tick = sequence.table[task.target[0].modality].codes
            ticks = int(sequence.is_target[0].sum()) // of_tick
            tick = int(torch.randint(ticks, ()))
            input_ids, labels, sequence = keep_tick(tick, input_ids, labels, sequence, of_tick)
        input_ids = scheduled_sampling(input_ids, labels, sequence, corruption, vocabulary, self.say, self.decoding)
        with self.accelerator.autocast():
            targets, read = network(input_ids, labels, sequence)
        loss, figures = self.cross_entropy(targets)
        figures[f"loss_{task.name}"] = loss
        for name, (weight, error) in self.pose_losses(codes, targets, read).items():
            loss, figures[name] = loss + weight * error, error
        return loss, figures

    def say(self, input_ids: Tensor, labels: Tensor, sequence: Sequence) -> dict[str, tuple[Tensor, Tensor]]:
        """Logits and codes of the targets of each modality."""
        with self.accelerator.autocast():
            hidden_states = self.model.model(input_ids, sequence=sequence).last_hidden_state
            return self.model.target_logits(hidden_states, labels)

    def sequences(self, task: Task, codes: dict[str, Tensor]) -> tuple[Tensor, Tensor, Sequence]:
        """Ids, labels and layout of a task, on the device of the codes."""
        inputs = self.processor.build_sequence(task, {key: codes[key] for key in codes if key in codes_of(task)})
        return inputs["input_ids"], inputs["labels"], inputs["sequence"].to(inputs["input_ids"].device)

    def cross_entropy(self, targets: dict[str, tuple[Tensor, Tensor]]) -> tuple[Tensor, dict[str, Tensor]]:
        """The paper's loss: mean cross-entropy over all targets; the figures are those of each modality."""
        total, count, figures = 0.0, max(1, sum(len(codes) for _, codes in targets.values())), {}
        for name, (logits, codes) in targets.items():
            goals = self.targets[name][codes] if name in self.targets else codes
            # Also of a head without targets, whose weights would else have no gradient in this process.
            summed = F.cross_entropy(logits.float(), goals, reduction="sum")
            total = total + summed / count
            if len(codes):
                figures[name] = summed.detach() / len(codes)
        return total, figures

    def codes(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Codes of a batch by modality, encoded here if the batch was drawn."""
        if self.recipe.shards is not None:
            return batch
        with self.accelerator.autocast():
            return encode_batch(batch, self.tokenizers)

    def validate(self) -> dict[str, float]:
        """MPJPE, mm, of the tasks of the mixture whose target is motion; of others the mean cross-entropy of a code.

        On held-out clips. MPJPE is that of the decoded codes that the model says, against the decoded true ones.
        """
        figures: dict[str, list[Tensor]] = {}
        motion = self.joints.motion_vqvae.modality.name
        for clips in DataLoader(self.validation, VALIDATION_BATCH, generator=torch.Generator()):
            codes = self.codes({key: value.to(self.accelerator.device) for key, value in clips.items()})
            for task in self.mixture.tasks:
                if not codes_of(task) <= codes.keys():
                    continue  # its data are elsewhere
                if [segment.modality for segment in task.target] == [motion]:
                    errors = mpjpe_mm(self.joints(self.generate(task, codes)), self.joints(codes[motion]))
                    figures.setdefault(f"{task.name}_mpjpe", []).append(errors)
                else:
                    input_ids, labels, sequence = self.sequences(task, codes)
                    loss, _ = self.cross_entropy(self.say(input_ids, labels, sequence))
                    figures.setdefault(f"{task.name}_loss", []).append(loss.expand(len(input_ids)))
        return {name: float(torch.cat(values).mean()) for name, values in figures.items()}

    def generate(self, task: Task, codes: dict[str, Tensor]) -> Tensor:
        """Motion codes `(B, T, codes a frame)` that the model says to the conditions of clips."""
        given = {segment.modality for segment in task.condition}
        condition = self.processor.build_condition(task, {name: codes[name] for name in given})
        sequence, motion = condition["sequence"], task.target[0].modality
        target = self.model.generate_target(condition["input_ids"], sequence=sequence, decoding=self.decoding)
        return self.processor.post_process(target, sequence)[motion].flatten(2)


def freeze(model: UniMoForConditionalGeneration, recipe: UniMoRecipe) -> None:
    """Take what the recipe names from what learns.

    Raises:
        ValueError: If a name is that of no weight and no module with weights, or nothing is left that learns.
    """
    names = [name for name, _ in model.named_parameters()]
    for frozen in recipe.freeze:
        found = [name for name in names if name == frozen or name.startswith(f"{frozen}.")]
        if not found:
            modules = sorted({name.rpartition(".")[0] for name in names}, key=lambda name: (name.count("."), name))
            raise ValueError(
                f"{recipe.origin}: freeze names {shown(frozen)}, which has no weights; there are "
                f"{', '.join(modules[:NAMES_SHOWN])}, ..."
            )
        for name in found:
            model.get_parameter(name).requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError(f"{recipe.origin}: freeze is {list(recipe.freeze)}, and nothing is left that learns.")


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

    Raises:
        ValueError: If there are more codes than memory holds distributions of.
    """
    check_memory(4 * len(codes) ** 2, f"label_smoothing is {smoothing}; the targets of {len(codes)} codes")
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
    """Put the processor and the tokenizers into the folder of a model."""
    tokenizers = load_tokenizers(recipe.tokenizers)
    make_processor(model.config, of_kind(tokenizers, MotionVQVAE), recipe.size).save_pretrained(folder)
    for name, tokenizer in tokenizers.items():
        tokenizer.save_pretrained(folder / name)


if __name__ == "__main__":
    import sys

    train(sys.argv[1])
