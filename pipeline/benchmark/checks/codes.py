"""Codes: every fault that a check knows, its severity, and whether a person may accept it by name.

An error prevents an export. Some errors may be accepted, because only a person can say whether they are faults; the
others make the benchmark wrong, or break its readers (MMVP's and Cambrian-1's scorers, lmms-eval, VLMEvalKit).
"""

from __future__ import annotations

from pipeline.findings import Code, Severity


def _broken(name: str, meaning: str) -> Code:
    return Code(name, Severity.ERROR, meaning)


def _doubtful(name: str, meaning: str) -> Code:
    return Code(name, Severity.ERROR, meaning, acceptable=True)


def _odd(name: str, meaning: str) -> Code:
    return Code(name, Severity.WARNING, meaning, acceptable=True)


KNOWN = {
    code.name: code
    for code in (
        _broken("answers_not_opposite", "the two images of a pair do not have opposite answers"),
        _broken("empty_text", "a question, an option or a statement without words"),
        _broken("parentheses", "a parenthesis in an option, at which readers of MMVP cut it"),
        _broken("same_options", "two options that are the same"),
        _broken("same_statements", "two statements that are the same"),
        _broken("line_break", "a line break, a tab or another control character in a text"),
        _broken("image_gone", "an image that cannot be read any more, or does not decode"),
        _broken("image_changed", "an image whose bytes are not those that people saw"),
        _broken("same_image", "the same file on both sides of a pair"),
        _broken("in_a_benchmark", "an image for training that is in a benchmark"),
        _doubtful("near_a_benchmark", "an image for training that looks like one in a benchmark"),
        _doubtful("formula_in_table", "a text that a spreadsheet runs as a formula when it opens the CSV or TSV"),
        _doubtful("turned_by_exif", "an image that some readers turn, `datasets` among them, and people saw unturned"),
        _doubtful("near_duplicate_images", "an image of one pair that is nearly one of another pair"),
        _doubtful("missed_by_people", "questions that half or more of those who answered blind got wrong"),
        _doubtful("letters_unbalanced", "the first image's answer is (a) too often, or too seldom"),
        _doubtful("order_tells_answer", "the place of a pair tells the answer"),
        _doubtful("size_tells_answer", "bytes or pixels of an image tell the answer"),
        _doubtful("format_tells_answer", "the file format of an image tells the answer"),
        _odd("names_tell_answer", "what the source calls an image tells the answer, for most pairs"),
        _odd("metadata_tells", "text or a place in an image's metadata, which goes with its file"),
        _odd("far_from_square", "images of which readers that crop to the middle square see less than half"),
        _odd("not_compared", "images of a benchmark that cannot be read: known again by their ids and bytes alone"),
        _odd("not_150_pairs", "more or fewer pairs than MMVP has"),
        _odd("patterns_uneven", "more or fewer pairs of a pattern than the 15 that MMVP-VLM has"),
        _odd("not_reviewed", "questions that nobody but the author answered"),
        _odd("license_unknown", "images whose license nobody stated"),
    )
}
CODES = tuple(code.name for code in KNOWN.values() if code.hinders(()) and code.acceptable)
