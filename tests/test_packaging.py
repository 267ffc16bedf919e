# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a user's installation must hold, and what importing it must not do."""

import ast
import configparser
import importlib.metadata
import json
import re
import subprocess
import sys

import pytest

import unimo_hf

HEAVY = ["accelerate", "av", "datasets", "diffusers", "numba", "smplx", "torch", "transformers"]


def run_python(code: str) -> subprocess.CompletedProcess:
    """Run code in a clean process."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)


def test_version_is_that_of_the_changelog(repository):
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (repository / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest is not None
    assert newest.group(1) == unimo_hf.__version__


def test_installed_metadata():
    assert importlib.metadata.version("unimo_hf") == unimo_hf.__version__
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="unimo")
    assert entry.value == "unimo_hf.cli.app:main"


def declared_packages(repository, *extras):
    """Names in setup.cfg: of the package itself and of some extras."""
    setup = configparser.ConfigParser()
    setup.read(repository / "setup.cfg", encoding="utf-8")
    found = set()
    for lines in (setup["options"]["install_requires"], *(setup["options.extras_require"][extra] for extra in extras)):
        found |= set(re.findall(r"^([A-Za-z0-9_-]+)[>=<]", lines, re.M))
    return found


def test_every_import_is_a_declared_dependency(repository):
    names = {"pillow": "PIL", "pyyaml": "yaml"}
    declared = declared_packages(repository, "diffusion")
    allowed = {names.get(name, name) for name in declared} | set(sys.stdlib_module_names) | {"unimo_hf"}
    for source in (repository / "unimo_hf").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                roots = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                roots = {node.module.split(".")[0]}
            else:
                continue
            assert roots <= allowed, f"{source.name} imports {roots - allowed}"


def test_every_pin_is_a_declared_dependency(repository):
    declared = {"setuptools"} | declared_packages(repository, "dev")
    pins = (repository / "configuration" / "constraints-ci.txt").read_text(encoding="utf-8")
    assert set(re.findall(r"^([A-Za-z0-9_-]+)==", pins, re.M)) == declared


def test_import_is_silent_and_light():
    result = run_python(f"import sys, unimo_hf; print([name for name in {HEAVY} if name in sys.modules])")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
    assert result.stderr == ""


@pytest.mark.parametrize("name", [name for name in unimo_hf.__all__ if name != "__version__"])
def test_public_names_are_there(name):
    assert getattr(unimo_hf, name).__name__ == name
    assert name in dir(unimo_hf)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'UniMoFoo'"):
        unimo_hf.UniMoFoo  # noqa: B018


ORDERS_OF_IMPORT = {
    "package first": "import unimo_hf\nfrom transformers import pipeline",
    "transformers first": "from transformers import AutoConfig, AutoModel\nimport unimo_hf",
    "through a module of ours": "import unimo_hf.model.modeling_unimo",
    "through a model of transformers": "import unimo_hf\nfrom transformers import LlamaForCausalLM",
    "through the processor": "import unimo_hf\nfrom transformers import AutoProcessor",
}


@pytest.mark.parametrize("order", ORDERS_OF_IMPORT.values(), ids=ORDERS_OF_IMPORT.keys())
def test_auto_classes_know_ours_whatever_is_imported_first(order):
    code = f"""
{order}
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.pipelines import PIPELINE_REGISTRY
import json
from unimo_hf import UniMoConfig, UniMoModel, UniMoForConditionalGeneration, MotionVQVAEConfig, VideoFSQConfig
print(json.dumps([
    AutoModel._model_mapping[UniMoConfig].__name__,
    AutoModelForCausalLM._model_mapping[UniMoConfig].__name__,
    AutoModel._model_mapping[MotionVQVAEConfig].__name__,
    AutoModel._model_mapping[VideoFSQConfig].__name__,
    PROCESSOR_MAPPING[UniMoConfig].__name__,
    AutoConfig.for_model(UniMoConfig.model_type).__class__.__name__,
    sorted(set(PIPELINE_REGISTRY.get_supported_tasks()) & {{"video-to-motion", "image-to-video-and-motion"}}),
]))
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1]) == [
        "UniMoModel",
        "UniMoForConditionalGeneration",
        "MotionVQVAE",
        "VideoFSQ",
        "UniMoProcessor",
        "UniMoConfig",
        ["image-to-video-and-motion", "video-to-motion"],
    ]


def test_auto_config_alone_knows_ours():
    question = "print(type(AutoConfig.for_model('unimo_ar')).__module__)"
    result = run_python(f"import unimo_hf\nfrom transformers import AutoConfig\n{question}")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "unimo_hf.model.configuration_unimo"
