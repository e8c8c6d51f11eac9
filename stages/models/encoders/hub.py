"""Hub: fetch a checkpoint's files from a hub into the hub's own cache.

Whether a hub may be contacted is decided by huggingface_hub's own switch, HF_HUB_OFFLINE, which `--offline` sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from manifests.errors import Refused
from stages.models.encoders.weights import CONFIGS, INDEX, SAFETENSORS, Weights, from_folder


def from_hub(
    repository: str, revision: str | None, config: str | None, names: Sequence[str], *, beside: Sequence[str] = ()
) -> Weights:
    """Return the checkpoint of a hub repository, fetched into the hub's own cache if it is not there.

    `beside`: further files to take along (`Weights.beside`). Raises Refused if it is neither cached nor available.
    """
    folder = snapshot(repository, revision, [*CONFIGS, *beside, *_patterns(names)], "weights")
    return from_folder(folder, config, names, called=f"the hub's {repository}", beside=beside)


def snapshot(repository: str, revision: str | None, patterns: Sequence[str], what: str) -> Path:
    """Return the folder of the repository's files in the hub's cache, updated if the hub answers.

    `what`: what the files are, such as weights, in a refusal. Raises Refused if they are neither cached nor available.
    """
    from huggingface_hub import snapshot_download

    try:
        silent = not _answers(repository, revision)
        given = snapshot_download(repository, revision=revision, allow_patterns=patterns, local_files_only=silent)
    except Exception as error:  # the hub's client raises its own errors, its transport's, and plain RuntimeErrors
        raise Refused(_why_not(repository, revision, error, what)) from error
    return Path(given)


def _answers(repository: str, revision: str | None) -> bool:
    """Whether the hub responds, with any answer. Checked first, because the download itself would wait forever."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    try:
        revision = revision or constants.DEFAULT_REVISION
        HfApi().model_info(repository, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except HfHubHTTPError:  # an error is also an answer
        return True
    except (OSError, HTTPError):  # offline by choice, not reachable, or timed out
        return False
    return True


def _patterns(names: Sequence[str]) -> list[str]:
    """Return the names, and patterns for the parts of a sharded checkpoint."""
    sharded = [name.removesuffix(f"{SAFETENSORS}{INDEX}") for name in names if name.endswith(INDEX)]
    return [*names, *(f"{stem}-*{SAFETENSORS}" for stem in sharded)]


A_FOLDER = "name a folder: model: local-dir:FOLDER for open_clip, model: FOLDER for transformers"


def _why_not(repository: str, revision: str | None, error: Exception, what: str) -> str:
    from huggingface_hub import constants, errors

    missing = f"the {what} of {repository} are not on this machine, and the hub"
    if isinstance(error, errors.LocalEntryNotFoundError) and constants.HF_HUB_OFFLINE:
        return f"{missing} may not be asked; run once without --offline (HF_HUB_OFFLINE), or {A_FOLDER}"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return f"{missing} ({constants.ENDPOINT}) does not answer; try again when it does, or {A_FOLDER}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"the hub has no {repository}, or not for you: check the name, or log in (hf auth login)"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the hub's {repository} has no revision {revision}; leave it out, or name a branch or commit it has"
    return f"the hub does not give {repository}: {' '.join(str(error).split()) or type(error).__name__}"
