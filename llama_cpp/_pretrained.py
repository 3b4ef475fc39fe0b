"""Downloads GGUF files from the Hugging Face hub, for ``Llama.from_pretrained()``."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Dict, List, Optional, Tuple, Union

from ._engine import projector_files

Directory = Union[str, "os.PathLike[str]", None]


def download(
    repo_id: str,
    filename: Optional[str],
    additional_files: Optional[List[str]],
    *,
    local_dir: Directory,
    cache_dir: Directory,
) -> str:
    """Downloads `filename` and `additional_files`; returns the path of the first.

    Each may be a pattern, which has to fit exactly one file of the repository (ValueError).
    """
    repository = _Repository(repo_id, local_dir, cache_dir)
    names = repository.matches(filename, additional_files)
    return repository.download(names)[names[0]]


def download_with_projector(
    repo_id: str,
    filename: Optional[str],
    additional_files: Optional[List[str]],
    mmproj_filename: Optional[str],
    *,
    local_dir: Directory,
    cache_dir: Directory,
) -> Tuple[str, Optional[str]]:
    """Downloads like download(), and a projector; returns the paths of model and projector.

    `mmproj_filename` may be a pattern, too. None takes the one that of_repository() of
    _engine/projector_files.py finds; the path is None where it finds none.
    """
    repository = _Repository(repo_id, local_dir, cache_dir)
    names = repository.matches(filename, additional_files)
    projector = (
        projector_files.of_repository(repository.names, names[0])
        if mmproj_filename is None
        else repository.match(mmproj_filename)
    )
    paths = repository.download(names if projector is None else [*names, projector])
    return paths[names[0]], None if projector is None else paths[projector]


class _Repository:
    """A repository of the hub."""

    def __init__(self, repo_id: str, local_dir: Directory, cache_dir: Directory) -> None:
        """Lists its files. `local_dir` and `cache_dir` are the hub's, for downloads."""
        try:
            from huggingface_hub import HfFileSystem
            from huggingface_hub.utils import validate_repo_id
        except ImportError as error:
            raise ImportError(
                "Llama.from_pretrained needs the huggingface-hub package: pip install"
                " huggingface-hub"
            ) from error
        validate_repo_id(repo_id)
        self.repo_id = repo_id
        self._directories: Dict[str, Optional[str]] = {
            "local_dir": None if local_dir is None else os.fspath(local_dir),
            "cache_dir": None if cache_dir is None else os.fspath(cache_dir),
        }
        listed = HfFileSystem().ls(repo_id, recursive=True)
        paths = [each["name"] if isinstance(each, dict) else each for each in listed]
        self.names = [str(PurePosixPath(path).relative_to(repo_id)) for path in paths]

    def matches(self, filename: Optional[str], more: Optional[List[str]]) -> List[str]:
        """Returns the names of the model's file and of further ones."""
        if not filename:
            shown = ", ".join(self.names)
            raise ValueError(f"filename is missing; files of {self.repo_id}: {shown}")
        return [self.match(pattern) for pattern in [filename, *(more or ())]]

    def match(self, pattern: str) -> str:
        """Returns the one file that a name or pattern fits."""
        found = [name for name in self.names if fnmatch(name, pattern)]
        if not found:
            raise ValueError(
                f"No file found in {self.repo_id} that match {pattern}. Available files:"
                f" {', '.join(self.names)}"
            )
        if len(found) > 1:
            raise ValueError(
                f"Multiple files found in {self.repo_id} matching {pattern}: {', '.join(found)}."
                " Give a pattern that fits only one"
            )
        return found[0]

    def download(self, names: List[str]) -> Dict[str, str]:
        """Downloads files; returns their paths by name."""
        from huggingface_hub import hf_hub_download

        return {
            name: hf_hub_download(repo_id=self.repo_id, filename=name, **self._directories)
            for name in dict.fromkeys(names)
        }
