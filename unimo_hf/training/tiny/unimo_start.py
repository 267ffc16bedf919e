# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A start for the tables of the AR model, whose rows are codes: from the vectors of codes, or from known codes."""

import logging
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from unimo_hf.model.code_choice import nearest_rows
from unimo_hf.model.modalities import ModalityTokenizer
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.pipelines.checkpoint import locate_network

logger = logging.getLogger(__name__)

NEAREST = 1e-4  # distance of codes that count as different: a codebook may hold one twice


@torch.no_grad()
def take_over_motion_codes(model: UniMoForConditionalGeneration, start: str, motion_vqvae: MotionVQVAE) -> None:
    """Turn a model to another codebook: each code gets the embedding and the row of the head of the nearest old one.

    Codebooks that were made the same way (`motion_vqvae_start`) have numbers of a kind in the same places, so near
    codes mean much alike. The codebook that the model knows already changes nothing.

    Args:
        model ([`UniMoForConditionalGeneration`]): Changed in place.
        start (`str`): The checkpoint whose weights it has. One without a motion tokenizer has learned no motion yet.
        motion_vqvae ([`MotionVQVAE`]): The tokenizer from now on.
    """
    try:
        folder = locate_network(UniMoForConditionalGeneration, start)
        before = MotionVQVAE.from_pretrained(folder, subfolder=MotionVQVAE.base_model_prefix, dtype=torch.float32)
    except OSError:
        return
    known, codes = before.codebook.codes.to(motion_vqvae.device), motion_vqvae.codebook.codes
    if torch.equal(known, codes):
        return  # a vector may stand twice, and each has learned its own rows
    if model.is_unified or known.shape[1] != codes.shape[1]:
        logger.warning(
            "the motion codes of %s stand in no relation to those of the recipe: they are learned anew", start
        )
        return
    nearest, name = nearest_rows(codes.float(), known.float()).to(model.device), motion_vqvae.modality.name
    for table in (getattr(model.model.embed_tokens, name), model.head(name)):
        table.weight.copy_(table.weight[nearest])


@torch.no_grad()
def start_from_codebooks(model: UniMoForConditionalGeneration, tokenizers: Iterable[ModalityTokenizer]) -> None:
    """Start embeddings and heads from the vectors of the codes (Rahimi and Recht, 2007, for the features).

    Args:
        model ([`UniMoForConditionalGeneration`]): Changed in place.
        tokenizers (`Iterable[ModalityTokenizer]`): The tables of others' codes stay as they are.

    Raises:
        ValueError: If the model has one table for all.
    """
    if model.is_unified:
        raise ValueError("init 'codebooks' needs a table and a head for each modality; the model has one of each.")
    for tokenizer in tokenizers:
        _start(model, tokenizer.modality.name, tokenizer.code_vectors())


def _start(model: UniMoForConditionalGeneration, name: str, vectors: Tensor) -> None:
    table, head = getattr(model.model.embed_tokens, name), model.head(name)
    features = fourier_features(vectors.float().cpu(), model.config.hidden_size)
    table.weight.copy_(features)
    head.weight.copy_(features * model.config.hidden_size**-0.5)


def fourier_features(codes: Tensor, width: int) -> Tensor:
    """Random cosines of code vectors, `(codes, D)` to `(codes, width)`, about unit variance.

    Their frequencies go from waves as long as the codebook is wide to such that tell neighbours half a radian apart.
    """
    codes = (codes - codes.mean(dim=0)) / codes.std(dim=0)
    some = codes[torch.randperm(len(codes))[:512]]
    nearest = torch.cdist(some, codes).topk(2, largest=False).values[:, 1].median().clamp_min(NEAREST)
    directions = F.normalize(torch.randn(codes.shape[1], width), dim=0)
    frequencies = directions * torch.logspace(-1, float((0.5 / nearest).log2().clamp_min(0)), width, base=2.0)
    return 2**0.5 * torch.cos(codes @ frequencies + 2 * torch.pi * torch.rand(width))
