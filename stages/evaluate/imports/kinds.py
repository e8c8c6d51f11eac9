"""Kinds: which module reads which kind of file."""

from __future__ import annotations

from collections.abc import Sequence

from stages.evaluate.imports import lmms_eval, mmvp, vlmevalkit
from stages.evaluate.imports.files import bytes_of, digest_of
from stages.evaluate.imports.reply import ImportedReply, checked
from stages.evaluate.imports.settings import ImportedSettings, LmmsEvalLog, VlmEvalKitResult


def read_replies(settings: ImportedSettings) -> tuple[str, Sequence[ImportedReply]]:
    """Return the hex SHA-256 of the file, and its replies, of which no two are to one question.

    Raises Refused, naming file and line or row, for anything that is not as the program writes it; Unreachable (an
    OSError) if a store failed.
    """
    data, uri = bytes_of(settings.uri), settings.uri
    if isinstance(settings, VlmEvalKitResult):
        found = vlmevalkit.replies(data, uri, settings.sheet)
    else:
        found = (lmms_eval if isinstance(settings, LmmsEvalLog) else mmvp).replies(data, uri)
    return digest_of(data), checked(found, uri)
