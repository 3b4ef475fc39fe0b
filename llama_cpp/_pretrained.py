"""Downloads GGUF files from the Hugging Face hub, for ``Llama.from_pretrained()``."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any, Dict, List, Optional, Union

Folder = Union[str, "os.PathLike[str]", None]


def download(
    repo_id: str,
    filename: Optional[str],
    additional_files: Optional[List[str]],
    *,
    local_dir: Folder,
    cache_dir: Folder,
) -> str:
    """Downloads `filename` and `additional_files`; returns the path of the first.

    Each may be a pattern, which has to fit exactly one file of the repository (ValueError).
    """
    try:
        from huggingface_hub import HfFileSystem, hf_hub_download
        from huggingface_hub.utils import validate_repo_id
    except ImportError as error:
        raise ImportError(
            "Llama.from_pretrained needs the huggingface-hub package: pip install huggingface-hub"
        ) from error
    validate_repo_id(repo_id)
    folders: Dict[str, Any] = {
        "local_dir": None if local_dir is None else os.fspath(local_dir),
        "cache_dir": None if cache_dir is None else os.fspath(cache_dir),
    }
    names = [
        str(PurePosixPath(entry["name"] if isinstance(entry, dict) else entry).relative_to(repo_id))
        for entry in HfFileSystem().ls(repo_id, recursive=True)
    ]
    paths = [
        hf_hub_download(
            repo_id=repo_id,
            filename=_only_match(repo_id, names, pattern),
            **folders,
        )
        for pattern in [filename, *(additional_files or ())]
    ]
    return paths[0]


def _only_match(repo_id: str, names: List[str], pattern: Optional[str]) -> str:
    if not pattern:
        raise ValueError(f"filename is missing; files of {repo_id}: {', '.join(names)}")
    found = [name for name in names if fnmatch(name, pattern)]
    if not found:
        raise ValueError(
            f"No file found in {repo_id} that match {pattern}. Available files: {', '.join(names)}"
        )
    if len(found) > 1:
        raise ValueError(
            f"Multiple files found in {repo_id} matching {pattern}: {', '.join(found)}."
            " Give a pattern that fits only one"
        )
    return found[0]
