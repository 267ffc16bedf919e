# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Configuration of the autoregressive model. The defaults are the 4B model of the paper."""

from dataclasses import fields
from typing import Any, Literal

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig
from transformers.utils import logging

from .modalities import Modality, make_table, plain_table
from .number_ranges import POSITIVE, SIZE, WEIGHT, Range, check_fields, shown
from .paper_modalities import FORMER_FIELDS, modalities_of_fields
from .positions import axis_split
from .saved_fields import ANY, KEYS_OF_TRANSFORMERS, refuse_unknown_keys, take_former_fields
from .sequences import Sequence, lay_out
from .tasks import Task, get_task
from .vocabulary import IN_FRONT, Vocabulary

logger = logging.get_logger(__name__)

# Fields of before: what the code does in their place.
_FORMER_CHOICES: dict[str, Any] = {
    "ape_gate": False,
    "ape_scale": 1.0,
    "ape_time_unit": "latent",
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": None,
    "embedding_initializer_range": 1.0,
    "eos_token_id": None,
    "hidden_act": "silu",
    "max_position_embeddings": ANY,  # derived; it limits nothing, and earlier versions kept that of a shorter clip
    "motion_rope_layout": "grid",
    "motion_time_unit": "frame",
    "tie_word_embeddings": False,
    "z_loss_weight": 0.0,
}
# What a saved file may hold besides the fields and what it holds for transformers.
_DERIVED = ("vocab_size", "pad_token_id")
_READ = {*_DERIVED, *FORMER_FIELDS, *_FORMER_CHOICES, "rope_scaling", "rope_theta"}
_RANGES = {
    "frames": SIZE,
    "streams": SIZE,
    "num_special_tokens": SIZE,
    "hidden_size": SIZE,
    "intermediate_size": SIZE,
    "num_hidden_layers": SIZE,
    "num_attention_heads": SIZE,
    "num_key_value_heads": SIZE,
    "head_dim": Range(6, 4096, whole=True),
    "rms_norm_eps": POSITIVE,
    "initializer_range": WEIGHT,
    "ape_theta": Range(1),
}


@strict
class UniMoConfig(PreTrainedConfig):
    r"""Configuration of [`UniMoModel`] and [`UniMoForConditionalGeneration`].

    Args:
        modalities (`list[dict]`, *optional*):
            `name`, `size`, `grid` and `frames` of each [`Modality`], in the order of their numbers; by default the
            visual and motion codes of the paper. A new one comes last.
        frames (`int`, *optional*, defaults to 65): Frames of a full clip; others work with the same weights.
        streams (`int`, *optional*, defaults to 1): Persons that a sequence can tell apart.
        num_special_tokens (`int`, *optional*, defaults to 64): Special rows: tasks, `[STG]`, `<pad>`, reserve.
        hidden_size (`int`, *optional*, defaults to 4096): Width of the residual stream.
        intermediate_size (`int`, *optional*, defaults to 14336): Width inside the SwiGLU block.
        num_hidden_layers (`int`, *optional*, defaults to 16): Number of blocks.
        num_attention_heads (`int`, *optional*, defaults to 32): Query heads.
        num_key_value_heads (`int`, *optional*, defaults to 8): Key and value heads.
        head_dim (`int`, *optional*, defaults to 128): Channels of a head; need not be `hidden_size / heads`.
        rms_norm_eps (`float`, *optional*, defaults to 1e-5): Epsilon of every norm.
        initializer_range (`float`, *optional*, defaults to 0.02):
            Standard deviation of projections; truncated normal, and divided by sqrt(2 (layer + 1)) for the projections
            that write to the residual stream (Cosmos' rule). Heads use `hidden_size ** -0.5`.
        rope_parameters (`dict`, *optional*):
            For each modality `{"rope_type": "default", "rope_theta": 500000}` or
            `{"rope_type": "cosmos_yarn", "rope_theta", "factor", "beta_fast", "beta_slow", "original_latent_grid"}`.
            A flat dictionary serves all.
        ape_mode (`str`, *optional*, defaults to `"hidden_each_layer"`):
            Where the absolute embedding is added: to the residual stream in front of every block (Cosmos 5B), to
            queries and keys after rotation (`qk`, eq. 3 read literally), once to the embeddings (`input_once`), or
            nowhere (`none`, the released Cosmos 4B).
        ape_theta (`float`, *optional*, defaults to 10000):
            Base of its frequencies. On a small grid most channels of the default hardly change; one near the side of
            the grid tells places apart.
        interleaving (`str`, *optional*, defaults to `"eq2"`): `eq2`, `aligned` or `blocked`; see [`lay_out`].
        ablation (`str`, *optional*, defaults to `"none"`):
            `uni_embed` builds the paper's comparison: one embedding table and one rotary embedding, in which motion
            codes go on counting along the visual grid.
        use_cache (`bool`, *optional*, defaults to `True`): Whether the model returns keys and values.

    Attributes:
        vocab_size (`int`): The sum of all ranges of ids.
        pad_token_id (`int`): The id of `<pad>`.
        max_position_embeddings (`int`):
            Length of a full clip, for tools that ask how long a sequence may be; it limits nothing.

    Raises:
        TypeError: If a key is unknown.
        ValueError: If sizes do not fit together.

    Source: Cosmos-1.0-Autoregressive-4B for the sizes, UniMo paper sections 3.2 and 3.3 for the rest.
    """

    model_type = "unimo_ar"
    keys_to_ignore_at_inference = ["past_key_values"]
    default_theta = 500_000.0
    tie_word_embeddings = False  # one head for each modality
    bos_token_id = eos_token_id = None  # a sequence starts with its task, or with its first code, and has a length
    base_model_tp_plan = {
        "embed_tokens.visual": "embedding_rowwise",
        "layers.*.self_attn.q_proj": "colwise",
        "layers.*.self_attn.k_proj": "colwise",
        "layers.*.self_attn.v_proj": "colwise",
        "layers.*.self_attn.q_norm": "replicated_with_grad_allreduce",
        "layers.*.self_attn.k_norm": "replicated_with_grad_allreduce",
        "layers.*.self_attn.o_proj": "rowwise",
        "layers.*.mlp.gate_proj": "colwise",
        "layers.*.mlp.up_proj": "colwise",
        "layers.*.mlp.down_proj": "rowwise",
    }
    base_model_pp_plan = {
        "embed_tokens": (["input_ids"], ["inputs_embeds"]),
        "layers": (["hidden_states", "attention_mask"], ["hidden_states"]),
        "norm": (["hidden_states"], ["hidden_states"]),
    }

    modalities: list[dict] | None = None
    frames: int = 65
    streams: int = 1
    num_special_tokens: int = 64
    hidden_size: int = 4096
    intermediate_size: int = 14336
    num_hidden_layers: int = 16
    num_attention_heads: int = 32
    num_key_value_heads: int = 8
    head_dim: int = 128
    rms_norm_eps: float = 1e-5
    initializer_range: float = 0.02
    rope_parameters: dict | None = None
    ape_mode: Literal["hidden_each_layer", "qk", "input_once", "none"] = "hidden_each_layer"
    ape_theta: int | float = 10_000.0
    interleaving: Literal["eq2", "aligned", "blocked"] = "eq2"
    ablation: Literal["none", "uni_embed"] = "none"
    use_cache: bool = True

    def __post_init__(self, **kwargs: Any) -> None:
        """Fill the derived fields; refuse keys that no one reads."""
        self._read_former_fields(kwargs)
        take_former_fields(self, kwargs, _FORMER_CHOICES)
        refuse_unknown_keys(self, kwargs, _READ)
        check_fields(self, _RANGES)  # before others are derived from them
        self.modalities = plain_table(self.table)
        vocabulary = self.vocabulary
        self.vocab_size, self.pad_token_id = vocabulary.size, vocabulary.pad_id
        take_former_fields(self, kwargs, {name: getattr(self, name) for name in _DERIVED})
        codes = sum(kind.ticks(self.frames) * kind.codes for kind in self.table.values() if kind.has_clock)
        self.max_position_embeddings = 2 + codes
        rope = self.rope_parameters or kwargs.pop("rope_scaling", None) or {}
        if not self.nested_rope_parameter_keys(rope):
            rope = dict.fromkeys(self._rope_type_labels, rope)
        self.rope_parameters = {label: checked_rope(label, rope.get(label) or {}) for label in self._rope_type_labels}
        super().__post_init__(**kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> "UniMoConfig":
        """As in transformers, but with a warning for keys that no one reads: a newer version may have saved them."""
        known = {field.name for field in fields(cls)} | KEYS_OF_TRANSFORMERS | _READ
        unknown = sorted(set(config_dict) - known)
        if unknown:
            logger.warning_once(
                f"A newer version saved this configuration: `UniMoConfig` has no {unknown} here. They are left out, "
                "and what comes out may differ."
            )
        return super().from_dict({key: config_dict[key] for key in config_dict if key in known}, **kwargs)

    @property
    def _rope_type_labels(self) -> tuple[str, ...]:
        """What transformers looks for in `rope_parameters`."""
        return tuple(self.table)

    @property
    def table(self) -> dict[str, Modality]:
        """`dict[str, Modality]`: The modalities by name, in the order of their numbers."""
        return make_table(self.modalities or ())

    @property
    def vocabulary(self) -> Vocabulary:
        """`Vocabulary`: The id layout."""
        return Vocabulary({name: kind.rows for name, kind in self.table.items()}, self.num_special_tokens)

    def lay_out(self, task: str | Task, frames: int | None = None, lengths: dict[str, int] | None = None) -> Sequence:
        """Lay out a task; `frames` are those of a full clip by default. See [`lay_out`]."""
        return lay_out(get_task(task), self.table, frames or self.frames, lengths, self.interleaving)

    def absolute_clock(self, name: str) -> float:
        """Ticks of a modality in a tick of the coarsest clock, by which the absolute embedding counts time."""
        table = self.table
        return max(kind.frames for kind in table.values()) / (table[name].frames or 1)

    def validate_architecture(self) -> None:
        """Check sizes against each other; run by `@strict` when the configuration is made."""
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError(
                f"`num_attention_heads` ({self.num_attention_heads}) must be a multiple of `num_key_value_heads` "
                f"({self.num_key_value_heads})."
            )
        axis_split(self.head_dim)
        if self.ape_mode in ("hidden_each_layer", "input_once"):
            axis_split(self.hidden_size)
        if self.ablation == "uni_embed" and len(self.table) > IN_FRONT:
            raise ValueError(f"`ablation` 'uni_embed' is of {IN_FRONT} modalities, found {list(self.table)}.")

    def _validate_cosmos_yarn_rope_parameters(
        self, rope_parameters: dict, ignore_keys: set[str] | None = None
    ) -> None:
        """Check the keys of a YaRN extension; transformers finds this method by its name."""
        required = {"rope_type", "factor", "beta_fast", "beta_slow", "original_latent_grid"}
        self._check_received_keys(
            "cosmos_yarn", set(rope_parameters), required, optional_keys={"rope_theta"}, ignore_keys=ignore_keys
        )

    def _read_former_fields(self, kwargs: dict[str, Any]) -> None:
        """Turn the fields in which version 0.1 kept the paper's two modalities into `modalities` and `frames`."""
        former = {name: kwargs.pop(name) for name in FORMER_FIELDS if name in kwargs}
        if self.modalities is not None and former:
            raise TypeError(f"`UniMoConfig` got `modalities` and {sorted(former)}; the first holds what those say.")
        if self.modalities is None:
            modalities, frames = modalities_of_fields(former)
            self.modalities = plain_table(make_table(modalities))
            self.frames = frames if former else self.frames


def checked_rope(label: str, parameters: Any) -> dict[str, Any]:
    """A copy of the rotary embedding of one modality; raises `ValueError` if a value is none that it may have."""
    name = f"`rope_parameters` of the {label} codes"
    if not isinstance(parameters, dict):
        raise ValueError(f"{name} is {shown(parameters)}; a dictionary is needed.")
    rope_type = parameters.get("rope_type", parameters.get("type", "default"))
    if rope_type not in ("default", "cosmos_yarn"):
        raise ValueError(
            f"`rope_type` of the {label} codes must be 'default' or 'cosmos_yarn', found {shown(rope_type)}: "
            "positions are coordinates on a grid, not places in a text."
        )
    Range(1).check(f"`rope_theta` in {name}", parameters.get("rope_theta", UniMoConfig.default_theta))
    if rope_type == "cosmos_yarn":
        for field in ("factor", "beta_fast", "beta_slow"):
            POSITIVE.check(f"`{field}` in {name}", parameters.get(field))
        grid: Any = parameters.get("original_latent_grid")
        SIZE.check_each(f"`original_latent_grid` in {name}", grid)
        if len(grid) < 2:
            raise ValueError(
                f"`original_latent_grid` in {name} is {grid}; latent frames, rows and columns are needed."
            )
    return dict(parameters)


__all__ = ["UniMoConfig"]
