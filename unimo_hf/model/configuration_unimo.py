# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Configuration of the autoregressive model. The defaults are the 4B model of the paper."""

from dataclasses import fields
from typing import Any, Literal

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig
from transformers.activations import ACT2FN
from transformers.utils import logging

from .number_ranges import DROPOUT, POSITIVE, SIZE, WEIGHT, Range, check_fields, shown
from .positions import axis_split
from .tasks import SequenceLayout
from .vocabulary import Vocabulary

logger = logging.get_logger(__name__)

_RANGES = {
    "visual_vocab_size": SIZE,
    "motion_vocab_size": SIZE,
    "num_special_tokens": SIZE,
    "hidden_size": SIZE,
    "intermediate_size": SIZE,
    "num_hidden_layers": SIZE,
    "num_attention_heads": SIZE,
    "num_key_value_heads": SIZE,
    "head_dim": Range(6, 4096, whole=True),
    "rms_norm_eps": POSITIVE,
    "attention_dropout": DROPOUT,
    "initializer_range": WEIGHT,
    "embedding_initializer_range": WEIGHT,
    "ape_scale": Range(),
    "ape_theta": Range(1),
    "latent_grid": SIZE,
    "codes_per_frame": SIZE,
    "temporal_compression": SIZE,
    "motion_grid": SIZE,
    "z_loss_weight": WEIGHT,
    "max_position_embeddings": SIZE,
}

# What transformers itself may pass besides the declared fields; anything else is a misspelling.
_KEYS_OF_TRANSFORMERS = {
    "_attn_implementation",
    "_attn_implementation_internal",
    "_commit_hash",
    "_experts_implementation_internal",
    "_name_or_path",
    "attn_implementation",
    "auto_map",
    "experts_implementation",
    "model_type",
    "name_or_path",
    "num_labels",
    "output_attentions",
    "per_layer_config",
    "quantization_config",
    "rope_scaling",
    "rope_theta",
    "tie_last_hidden_states",
    "torch_dtype",
    "use_return_dict",
}


@strict
class UniMoConfig(PreTrainedConfig):
    r"""Configuration of [`UniMoModel`] and [`UniMoForConditionalGeneration`].

    Args:
        visual_vocab_size (`int`, *optional*, defaults to 64000): Codes of the video tokenizer.
        motion_vocab_size (`int`, *optional*, defaults to 512): Codes of the motion tokenizer.
        num_special_tokens (`int`, *optional*, defaults to 64): Special rows: tasks, `[STG]`, `<pad>`, reserve.
        vocab_size (`int`, *optional*): The sum of the three; derived, and checked when given.
        hidden_size (`int`, *optional*, defaults to 4096): Width of the residual stream.
        intermediate_size (`int`, *optional*, defaults to 14336): Width inside the SwiGLU block.
        num_hidden_layers (`int`, *optional*, defaults to 16): Number of blocks.
        num_attention_heads (`int`, *optional*, defaults to 32): Query heads.
        num_key_value_heads (`int`, *optional*, defaults to 8): Key and value heads.
        head_dim (`int`, *optional*, defaults to 128): Channels of a head; need not be `hidden_size / heads`.
        hidden_act (`str`, *optional*, defaults to `"silu"`): Activation of the gate.
        rms_norm_eps (`float`, *optional*, defaults to 1e-5): Epsilon of every norm.
        attention_dropout (`float`, *optional*, defaults to 0.0): Dropout of attention weights in training.
        attention_bias (`bool`, *optional*, defaults to `False`): Whether attention projections have a bias.
        initializer_range (`float`, *optional*, defaults to 0.02):
            Standard deviation of projections; truncated normal, and divided by sqrt(2 (layer + 1)) for the projections
            that write to the residual stream (Cosmos' rule). Heads use `hidden_size ** -0.5`.
        embedding_initializer_range (`float`, *optional*, defaults to 1.0):
            Standard deviation of the embedding tables (Cosmos' rule is N(0, 1)).
        rope_parameters (`dict`, *optional*):
            `{"visual": {...}, "motion": {...}}`, each `{"rope_type": "default", "rope_theta": 500000}` or
            `{"rope_type": "cosmos_yarn", "rope_theta", "factor", "beta_fast", "beta_slow", "original_latent_grid"}`.
            A flat dictionary serves both modalities.
        ape_mode (`str`, *optional*, defaults to `"hidden_each_layer"`):
            Where the absolute embedding is added: to the residual stream in front of every block (Cosmos 5B), to
            queries
            and keys after rotation (`qk`, eq. 3 read literally), once to the embeddings (`input_once`), or nowhere
            (`none`, the released Cosmos 4B).
        ape_scale (`float`, *optional*, defaults to 1.0): Factor on the absolute embedding.
        ape_gate (`bool`, *optional*, defaults to `False`):
            Whether a learnable scalar per layer, zero at the start, multiplies it (for stable fine-tuning of Cosmos).
        ape_theta (`float`, *optional*, defaults to 10000):
            Base of its frequencies. On a small grid most channels of the default hardly change; one near the side of
            the grid tells places apart.
        ape_time_unit (`str`, *optional*, defaults to `"latent"`):
            Unit of the time of motion codes in the absolute embedding: `latent` (frame / 8, the clock of the visual
            codes) or `frame`.
        motion_rope_layout (`str`, *optional*, defaults to `"grid"`):
            `grid`, `line` or `flat`; see [`motion_coordinates`].
        motion_time_unit (`str`, *optional*, defaults to `"frame"`): Unit of the time of motion codes in the rotation.
        interleaving (`str`, *optional*, defaults to `"eq2"`): `eq2`, `aligned` or `blocked`; see [`TaskSchedule`].
        latent_grid (`list[int]`, *optional*, defaults to `[9, 32, 32]`):
            Latent frames, rows and columns of a full clip.
        codes_per_frame (`int`, *optional*, defaults to 36): Motion codes of a frame.
        temporal_compression (`int`, *optional*, defaults to 8): Frames of a latent frame after the first.
        motion_grid (`list[int]`, *optional*, defaults to `[6, 6]`): Rows and columns of the slots of a frame.
        ablation (`str`, *optional*, defaults to `"none"`):
            `uni_embed` builds the paper's comparison: one embedding table and one rotary embedding, in which motion
            codes go on counting along the visual grid.
        z_loss_weight (`float`, *optional*, defaults to 0.0):
            Weight of mean(logsumexp²) over targets (Cosmos uses 1e-4).
        use_cache (`bool`, *optional*, defaults to `True`): Whether the model returns keys and values.
        max_position_embeddings (`int`, *optional*):
            For tools that ask how long a sequence may be; it limits nothing. By default the length of a full clip,
            which is the same for both tasks.
        pad_token_id (`int`, *optional*): Derived from the vocabulary.
        bos_token_id (`int`, *optional*): None: a sequence starts with its task, or with its first code.
        eos_token_id (`int`, *optional*): None: the length of a target is known, so nothing has to end it.
        tie_word_embeddings (`bool`, *optional*, defaults to `False`): Always untied.

    Raises:
        TypeError: If a key is unknown.
        ValueError: If sizes do not fit together.

    Source: Cosmos-1.0-Autoregressive-4B for the sizes, UniMo paper sections 3.2 and 3.3 for the rest.
    """

    model_type = "unimo_ar"
    keys_to_ignore_at_inference = ["past_key_values"]
    default_theta = 500_000.0
    _rope_type_labels = ("visual", "motion")
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

    visual_vocab_size: int = 64000
    motion_vocab_size: int = 512
    num_special_tokens: int = 64
    vocab_size: int | None = None
    hidden_size: int = 4096
    intermediate_size: int = 14336
    num_hidden_layers: int = 16
    num_attention_heads: int = 32
    num_key_value_heads: int = 8
    head_dim: int = 128
    hidden_act: str = "silu"
    rms_norm_eps: float = 1e-5
    attention_dropout: int | float = 0.0
    attention_bias: bool = False
    initializer_range: float = 0.02
    embedding_initializer_range: int | float = 1.0
    rope_parameters: dict | None = None
    ape_mode: Literal["hidden_each_layer", "qk", "input_once", "none"] = "hidden_each_layer"
    ape_scale: int | float = 1.0
    ape_gate: bool = False
    ape_theta: int | float = 10_000.0
    ape_time_unit: Literal["latent", "frame"] = "latent"
    motion_rope_layout: Literal["grid", "line", "flat"] = "grid"
    motion_time_unit: Literal["frame", "latent"] = "frame"
    interleaving: Literal["eq2", "aligned", "blocked"] = "eq2"
    latent_grid: list[int] | tuple[int, ...] = (9, 32, 32)
    codes_per_frame: int = 36
    temporal_compression: int = 8
    motion_grid: list[int] | tuple[int, ...] = (6, 6)
    ablation: Literal["none", "uni_embed"] = "none"
    z_loss_weight: int | float = 0.0
    use_cache: bool = True
    max_position_embeddings: int | None = None
    pad_token_id: int | None = None
    bos_token_id: int | None = None
    eos_token_id: int | None = None
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        """Fill the derived fields; refuse keys that no one reads."""
        self._refuse_unknown_keys(kwargs)
        check_fields(self, _RANGES)  # before others are derived from them
        # JSON gives lists; lists everywhere make a reloaded configuration equal to the one that was saved.
        self.latent_grid, self.motion_grid = list(self.latent_grid), list(self.motion_grid)
        if self.vocab_size is None:
            self.vocab_size = self.vocabulary.size
        if self.pad_token_id is None:
            self.pad_token_id = self.vocabulary.pad_id
        if self.max_position_embeddings is None and len(self.latent_grid) == 3:
            self.max_position_embeddings = 2 + self.layout.num_visual_codes + self.layout.num_motion_codes
        rope = self.rope_parameters or kwargs.pop("rope_scaling", None) or {}
        if not self.nested_rope_parameter_keys(rope):
            rope = dict.fromkeys(self._rope_type_labels, rope)
        self.rope_parameters = {label: _checked_rope(label, rope.get(label) or {}) for label in self._rope_type_labels}
        super().__post_init__(**kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> "UniMoConfig":
        """As in transformers, but with a warning for keys that no one reads: a newer version may have saved them."""
        known = {field.name for field in fields(cls)} | _KEYS_OF_TRANSFORMERS
        unknown = sorted(set(config_dict) - known)
        if unknown:
            logger.warning("`UniMoConfig` has no %s; the saved configuration's values are left out.", unknown)
        return super().from_dict({key: config_dict[key] for key in config_dict if key in known}, **kwargs)

    @property
    def vocabulary(self) -> Vocabulary:
        """`Vocabulary`: The id layout."""
        return Vocabulary(self.visual_vocab_size, self.motion_vocab_size, self.num_special_tokens)

    @property
    def layout(self) -> SequenceLayout:
        """`SequenceLayout`: The size of a full clip; shorter clips work with the same weights."""
        latent_frames, height, width = self.latent_grid
        return SequenceLayout(latent_frames, height, width, self.codes_per_frame, self.temporal_compression)

    def validate_architecture(self) -> None:
        """Check sizes against each other; run by `@strict` when the configuration is made."""
        if self.vocab_size is not None and self.vocab_size != self.vocabulary.size:
            raise ValueError(
                f"`vocab_size` is the sum of the three vocabularies, {self.vocabulary.size}; found {self.vocab_size}."
            )
        if self.tie_word_embeddings:
            raise ValueError("`tie_word_embeddings` must be False: UniMo has one head for each modality.")
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError(
                f"`num_attention_heads` ({self.num_attention_heads}) must be a multiple of `num_key_value_heads` "
                f"({self.num_key_value_heads})."
            )
        if self.hidden_act not in ACT2FN:
            raise ValueError(f"`hidden_act` is {shown(self.hidden_act)}; allowed are {sorted(ACT2FN)}.")
        axis_split(self.head_dim)
        if self.ape_mode in ("hidden_each_layer", "input_once"):
            axis_split(self.hidden_size)
        if len(self.latent_grid) != 3 or len(self.motion_grid) != 2:
            raise ValueError(
                f"`latent_grid` must hold 3 sizes and `motion_grid` 2, found {self.latent_grid}, {self.motion_grid}."
            )
        if self.motion_grid[0] * self.motion_grid[1] != self.codes_per_frame:
            raise ValueError(
                f"`motion_grid` {self.motion_grid} must hold `codes_per_frame` ({self.codes_per_frame}) slots."
            )

    def _validate_cosmos_yarn_rope_parameters(
        self, rope_parameters: dict, ignore_keys: set[str] | None = None
    ) -> None:
        """Check the keys of a YaRN extension; transformers finds this method by its name."""
        required = {"rope_type", "factor", "beta_fast", "beta_slow", "original_latent_grid"}
        self._check_received_keys(
            "cosmos_yarn", set(rope_parameters), required, optional_keys={"rope_theta"}, ignore_keys=ignore_keys
        )

    def _refuse_unknown_keys(self, kwargs: dict[str, Any]) -> None:
        """Raise for a key that would be stored and never read."""
        unknown = sorted(set(kwargs) - _KEYS_OF_TRANSFORMERS)
        if unknown:
            raise TypeError(f"`UniMoConfig` has no {unknown}; its fields are {sorted(f.name for f in fields(self))}.")


def _checked_rope(label: str, parameters: Any) -> dict[str, Any]:
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
