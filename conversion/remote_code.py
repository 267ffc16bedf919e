# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The code that a Hub repository carries, so that `trust_remote_code=True` loads it without this package.

transformers copies remote code file by file into one folder, so all modules lie flat in the root of the repository. It
looks for them there for every part, also with `subfolder=`.
"""

import ast
import configparser
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from transformers import PreTrainedConfig, PreTrainedModel

import unimo_hf
from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder
from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration, UniMoModel
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.model.tokenization_unimo import UniMoTokenizer

PACKAGE = Path(unimo_hf.__file__).parent
SETUP = Path(__file__).resolve().parents[1] / "setup.cfg"

# Configuration and network of each part of a checkpoint, by its sub-folder.
CONFIGURATIONS: dict[str, type[PreTrainedConfig]] = {
    "": UniMoConfig,
    "motion_vqvae": MotionVQVAEConfig,
    "video_fsq": VideoFSQConfig,
    "diffusion_decoder": DiffusionDecoderConfig,
}
NETWORKS: dict[str, type[PreTrainedModel]] = {
    "": UniMoForConditionalGeneration,
    "motion_vqvae": MotionVQVAE,
    "video_fsq": VideoFSQ,
    "diffusion_decoder": DiffusionDecoder,
}

SIBLING = re.compile(r"^ *from \.(\w+) import", re.MULTILINE)
OF_THE_PACKAGE = re.compile(r"^( *)from unimo_hf\.(\w+)\.(\w+) import", re.MULTILINE)


def write_remote_code(folder: Path, parts: Iterable[str]) -> list[str]:
    """Write the modules and `requirements.txt` into a repository folder and name them in its settings.

    Args:
        folder (`Path`): Holds `config.json` of every part, and the settings of processor and tokenizer.
        parts (`Iterable[str]`): Sub-folders of the networks.

    Returns:
        `list[str]`: What the code needs, as pip takes it.
    """
    used: list[type] = [UniMoProcessor, UniMoTokenizer]
    for part in parts:
        classes: dict[str, type] = {"AutoConfig": CONFIGURATIONS[part], "AutoModel": NETWORKS[part]}
        if not part:
            classes |= {"AutoModel": UniMoModel, "AutoModelForCausalLM": NETWORKS[part]}
        _add_auto_map(folder / part / "config.json", {auto: _reference(kind) for auto, kind in classes.items()})
        used += classes.values()
    _add_auto_map(folder / "processor_config.json", {"AutoProcessor": _reference(UniMoProcessor)})
    # The slow tokenizer and the fast one; transformers takes the one that there is.
    _add_auto_map(folder / "tokenizer_config.json", {"AutoTokenizer": [_reference(UniMoTokenizer), None]})

    modules = flat_modules(used)
    for name, text in modules.items():
        (folder / name).write_text(text, encoding="utf-8")
    requirements = requirements_of(modules)
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    return requirements


def flat_modules(classes: Iterable[type]) -> dict[str, str]:
    """Collect the modules of some classes and all that they import, rewritten for one folder.

    Returns:
        `dict[str, str]`: Text by file name.

    Raises:
        RuntimeError: If two modules have one name, which would be a mistake of this package.
    """
    waiting = [Path(str(sys.modules[kind.__module__].__file__)) for kind in classes]
    places: dict[str, Path] = {}
    modules: dict[str, str] = {}
    while waiting:
        path = waiting.pop()
        if places.setdefault(path.name, path) != path:
            raise RuntimeError(f"{path} and {places[path.name]} have one name; remote code lies in one folder.")
        if path.name in modules:
            continue
        text = path.read_text(encoding="utf-8")
        waiting += [path.with_name(f"{module}.py") for module in SIBLING.findall(text)]
        waiting += [PACKAGE / folder / f"{module}.py" for _, folder, module in OF_THE_PACKAGE.findall(text)]
        modules[path.name] = OF_THE_PACKAGE.sub(r"\1from .\3 import", text)
    return dict(sorted(modules.items()))


def requirements_of(modules: Mapping[str, str]) -> list[str]:
    """Return what modules import from elsewhere, with the versions that this package asks for."""
    imported = set()
    for text in modules.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(str(node.module).split(".")[0])
    setup = configparser.ConfigParser()
    setup.read(SETUP, encoding="utf-8")
    declared = setup["options"]["install_requires"] + setup["options.extras_require"]["diffusion"]
    of_package = {line.split(">=")[0]: line for line in declared.splitlines() if ">=" in line}
    return sorted(of_package[name] for name in imported - sys.stdlib_module_names)


def _reference(kind: type) -> str:
    """How an Auto class names a class of remote code."""
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"


def _add_auto_map(path: Path, auto_map: Mapping[str, str | list[str | None]]) -> None:
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["auto_map"] = auto_map
    path.write_text(json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
