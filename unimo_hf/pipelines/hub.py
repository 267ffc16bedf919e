# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Checkpoints on the Hugging Face Hub: what is fetched, and when, and how a folder is pushed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers.utils.hub import extract_commit_hash

from unimo_hf.pipelines.checkpoint_files import files_inside

# What an upload replaces altogether: old files of another number of shards would be loaded instead of the new ones.
REPLACED = ("*model*.safetensors", "*model.safetensors.index.json")


def download_checkpoint(name: str, without: Sequence[str] = (), **hub_options: Any) -> Path:
    """Fetch a repository, or find it in the cache.

    Args:
        name (`str`): `organisation/repository`.
        without (`Sequence[str]`, *optional*): Sub-folders to leave on the Hub.
        hub_options: Options of `huggingface_hub.snapshot_download`.

    Returns:
        `Path`: The folder.

    Raises:
        ValueError: If it can't be fetched; names the repository.
    """
    ignored = hub_options.pop("ignore_patterns", None) or []
    ignored = [ignored] if isinstance(ignored, str) else list(ignored)
    return _download(name, ignore_patterns=[*ignored, *(f"{part}/*" for part in without)] or None, **hub_options)


def download_part(name: str, folder: Path, part: str, **hub_options: Any) -> None:
    """Fetch a sub-folder that [`download_checkpoint`] left on the Hub, at the same commit; nothing if there is none.

    Args:
        name (`str`): `organisation/repository`.
        folder (`Path`): What [`download_checkpoint`] gave.
        part (`str`): The sub-folder.
        hub_options: As they were given to [`download_checkpoint`].

    Raises:
        ValueError: If it can't be fetched; names the repository.
    """
    commit = extract_commit_hash(str(folder / "config.json"), None)
    options = hub_options | {"revision": commit or hub_options.get("revision")}
    options |= {"allow_patterns": [f"{part}/*"], "ignore_patterns": None}
    _download(name, **options)


def upload_checkpoint(folder: Path, name: str, private: bool | None = None, **hub_options: Any) -> str:
    """Make a repository, if there is none, and put a folder there in one commit.

    Args:
        folder (`Path`): The checkpoint.
        name (`str`): `organisation/repository`.
        private (`bool`, *optional*): Who sees a new repository; default: what the organisation has set.
        hub_options: `token`, `revision`, `commit_message`, ... of `huggingface_hub.HfApi.upload_folder`.

    Returns:
        `str`: Address of the commit.

    Raises:
        ValueError: If a file is a link that leads out of the folder, or no ordinary file; names it.
    """
    from huggingface_hub import HfApi

    files_inside(folder)
    api = HfApi(token=hub_options.pop("token", None))
    repository = api.create_repo(name, private=private, exist_ok=True).repo_id
    options: dict[str, Any] = {"commit_message": "Upload UniMo checkpoint", "delete_patterns": list(REPLACED)}
    return str(api.upload_folder(repo_id=repository, folder_path=folder, **(options | hub_options)).commit_url)


def _download(name: str, **hub_options: Any) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, **hub_options))
    # Errors of the Hub, of the network and of the cache; OSError is what those of the Hub have in common.
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{name} is no folder here and could not be fetched from the Hub: {reason}") from error
