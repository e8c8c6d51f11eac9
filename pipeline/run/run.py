"""Run: a run on disk or in a bucket, opened once and then passed on instead of its path."""

from __future__ import annotations

from dataclasses import dataclass, field

from manifests.draft import Draft
from manifests.errors import NotCommitted, Refused, Waiting
from manifests.manifest import COMMIT, Manifest
from manifests.storage import Folder
from pipeline.run.layout import (
    ORDER,
    QUESTIONS,
    VERSION,
    check_no_removal,
    evaluation_steps,
    question_versions,
    run_folder,
)
from stages.text import did_you_mean


@dataclass(frozen=True)
class Run:
    """A run's folder and its manifests, each of which is opened once.

    A manifest stays as it was when it was first opened; `reopened()` gives the run as it is now.
    """

    folder: Folder
    _opened: dict[str, Manifest] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(cls, url: str) -> Run:
        """Open the run in this folder (a path or an fsspec URL).

        Raises Refused if it holds no step of a run, or if images are being removed from it.
        """
        folder = run_folder(url)
        check_no_removal(folder)
        return cls(folder)

    def reopened(self) -> Run:
        """Return the same run as it is now: its manifests are opened again when they are needed."""
        return Run(self.folder)

    @property
    def url(self) -> str:
        return self.folder.url

    def __str__(self) -> str:
        return self.url

    def has(self, step: str) -> bool:
        """Return whether this step is committed."""
        return step in self._opened or (self.folder / step).has(COMMIT)

    def manifest(self, step: str) -> Manifest:
        """Return a committed manifest; for `questions`, the newest version.

        Raises Refused for a step that does not exist, NotCommitted for one that is not finished, Waiting if no
        questions are frozen yet.
        """
        name = self._named(step)
        if name not in self._opened:
            self._opened[name] = Manifest.open(self.folder / name)
        return self._opened[name]

    def lineage(self, step: str) -> Manifest | Draft:
        """Return what holds a step's lineage: its manifest, or its draft while it is not committed."""
        name = self._named(step)
        if self.has(name):
            return self.manifest(name)
        if (draft := Draft.planned(self.folder / name)) is None:
            raise Refused(f"{self}/{name} was not begun; `blindpairs run` makes it")
        return draft

    def versions(self) -> list[int]:
        """Return the committed versions of the run's questions, ascending, as they are now."""
        return question_versions(self.folder)

    def questions(self, version: int | None = None) -> tuple[int, Manifest]:
        """Return the number of a version of the questions, the newest by default, and its manifest.

        Raises Waiting if nothing is frozen, NotCommitted if this version is not.
        """
        there = self.versions()
        if not there:
            raise Waiting(
                f"{self} has no questions yet: people write them with `blindpairs author {self}`, and "
                f"`blindpairs freeze {self}` makes a manifest of them"
            )
        number = there[-1] if version is None else version
        if number not in there:
            raise NotCommitted(f"{self} has no {QUESTIONS}-{number}; versions are: {', '.join(map(str, there))}")
        return number, self.manifest(f"{QUESTIONS}-{number}")

    def _named(self, step: str) -> str:
        """Return the name of a step's folder. Raises as `manifest` does for an unknown step or version."""
        if step in ORDER or step in evaluation_steps(self.folder):
            return step
        if step == QUESTIONS:
            return self.questions()[1].folder.name
        if not VERSION.fullmatch(step):
            names = (*ORDER, QUESTIONS)
            raise Refused(f"there is no step {step!r}; {did_you_mean(step, names)}steps are: {', '.join(names)}")
        if not self.has(step):
            there = ", ".join(f"{QUESTIONS}-{number}" for number in self.versions()) or "none"
            raise NotCommitted(f"{self} has no {step}; versions are: {there}, and `blindpairs freeze {self}` adds one")
        return step
