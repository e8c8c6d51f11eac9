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
        _broken("parentheses", "a parenthesis in an option; readers of MMVP cut the option there"),
        _broken("same_options", "two options that are the same"),
        _broken("same_statements", "two statements that are the same"),
        _broken("line_break", "a line break, a tab or another control character in a text"),
        _broken("image_gone", "an image that cannot be read any more, or does not decode"),
        _broken("image_changed", "an image whose bytes are not those that people saw"),
        _broken("same_image", "the same file on both sides of a pair"),
        _broken("in_a_benchmark", "an image for training that is in a benchmark"),
        _doubtful("near_a_benchmark", "an image for training that looks like one in a benchmark"),
        _doubtful("formula_in_table", "a text that a spreadsheet runs as a formula when it opens the CSV or TSV"),
        _doubtful(
            "turned_by_exif",
            "an image that some readers, such as `datasets`, turn by its EXIF, and that people saw unturned",
        ),
        _doubtful("near_duplicate_images", "an image that is nearly the same as one of another pair"),
        _doubtful("missed_by_people", "questions that half or more of those who answered blind got wrong"),
        _doubtful("letters_unbalanced", "the first image's answer is (a) too often or too rarely"),
        _doubtful("order_tells_answer", "the order of the images in a pair reveals the answers"),
        _doubtful("size_tells_answer", "the size of an image, in bytes or pixels, reveals the answer"),
        _doubtful("format_tells_answer", "the file format of an image reveals the answer"),
        _odd("names_tell_answer", "the names of the images in the source reveal the answers of most pairs"),
        _odd("metadata_tells", "text or a location in an image's metadata, which is exported with the file"),
        _odd("far_from_square", "images of which a reader that crops to the central square sees less than half"),
        _odd(
            "not_compared",
            "images of a benchmark that cannot be read, so that they are recognized only by id and bytes",
        ),
        _odd("not_150_pairs", "more or fewer pairs than MMVP has"),
        _odd("patterns_uneven", "more or fewer pairs of a pattern than the 15 that MMVP-VLM has"),
        _odd("not_reviewed", "questions that nobody but the author answered"),
        _odd("license_unknown", "images whose license nobody stated"),
    )
}
CODES = tuple(code.name for code in KNOWN.values() if code.hinders(()) and code.acceptable)
