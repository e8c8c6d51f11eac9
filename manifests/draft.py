"""Draft: a manifest being made.

It writes `_plan.json` first, then complete shards in any order and from any process, and `_lineage.json`
last. That last file is the commit. A manifest that grows is a draft again: its plan is longer, its
commit is gone until the new shards are there, and the shards it had are kept as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from manifests.errors import Refused, Unbalanced
from manifests.lineage import Lineage
from manifests.manifest import COMMIT, Earlier, Manifest, Removed, content_of, json_bytes, parsed
from manifests.shard import SUFFIX, Receipt, changed, read_receipt
from manifests.storage import Folder
from manifests.unique import check_image_ids

PLAN = "_plan.json"


@dataclass(frozen=True)
class Draft:
    """A manifest being made: its lineage is settled, its tasks are planned, some shards may exist."""

    folder: Folder
    lineage: Lineage
    tasks: tuple[Mapping[str, Any], ...]  # plain JSON; each has a "name", which is its shard's
    made_of: Mapping[str, str] = field(default_factory=dict)  # step -> content of the manifests it reads
    grown: tuple[Earlier, ...] = ()  # the committed states it continues from, in order
    known: Mapping[str, Receipt] = field(default_factory=dict, compare=False)  # from the commit it continues from
    removed: tuple[Removed, ...] = field(default=(), compare=False)  # what was removed from it, in order

    @staticmethod
    def planned(folder: Folder) -> Draft | None:
        """Read what was planned here, committed since or not; None if nothing was. Raises Refused for a bad plan."""
        if not folder.has(PLAN):
            return None
        return parsed(folder, PLAN, lambda value: _draft(folder, value))

    @staticmethod
    def begin(
        folder: Folder,
        lineage: Lineage,
        tasks: Sequence[Mapping[str, Any]],
        made_of: Mapping[str, str] | None = None,
    ) -> Draft:
        """Write the plan, the first file of a manifest.

        Raises Refused if other Parquet files are there, ValueError for names that no shard can have.
        """
        _check_names(lineage, tasks)
        _check_no_others(folder, set())
        return Draft(folder, lineage, tuple(tasks), dict(made_of or {}))._written()

    @staticmethod
    def grow(
        then: Manifest | Draft, lineage: Lineage, tasks: Sequence[Mapping[str, Any]], made_of: Mapping[str, str]
    ) -> Draft:
        """Continue from `then`: write the longer plan, and only then remove the commit. Planned shards are kept.

        After a kill in between, the commit is still there and the same call does the same again. `tasks` begin with
        those of every committed state. Shards of tasks that are no longer planned are removed first. Raises as `begin`.
        """
        _check_names(lineage, tasks)
        names = {task["name"] for task in tasks}
        left_out = set[str]() if isinstance(then, Manifest) else {task["name"] for task in then.tasks} - names
        _check_no_others(then.folder, {name + SUFFIX for name in names | left_out})
        for name in sorted(left_out):
            then.folder.forget(name + SUFFIX)
        known = then.by_name if isinstance(then, Manifest) else {}
        states = _states(then, lineage)
        draft = Draft(then.folder, lineage, tuple(tasks), dict(made_of), states, known, then.removed)._written()
        then.folder.forget(COMMIT)
        return draft

    def _written(self) -> Draft:
        """Write the plan and return this draft."""
        value = {"lineage": self.lineage.to_json(), "fingerprint": self.lineage.fingerprint, "tasks": list(self.tasks)}
        grown = [state.to_json() for state in self.grown]
        removed = [one.to_json() for one in self.removed]
        self.folder.write(PLAN, json_bytes(value | {"made_of": dict(self.made_of), "grown": grown, "removed": removed}))
        return self

    def discard(self) -> None:
        """Remove what this project wrote here, the commit first, the plan last; a person's own files are kept.

        Raises Refused, with nothing removed, if other Parquet files are there.
        """
        shards = [task["name"] + SUFFIX for task in self.tasks]
        _check_no_others(self.folder, set(shards))
        for name in (COMMIT, *shards, PLAN):
            self.folder.forget(name)

    def missing(self) -> list[Mapping[str, Any]]:
        """Return the tasks whose shard is not there yet."""
        there = self.folder.sizes()
        return [task for task in self.tasks if task["name"] + SUFFIX not in there]

    def commit(
        self,
        receipts: Mapping[str, Receipt],
        *,
        expected: int | None = None,
        made_with: Mapping[str, str] | None = None,
    ) -> Manifest:
        """Check every shard and write `_lineage.json`, the last file.

        `receipts` are those at hand (a receipt found neither there nor in an earlier commit is read from the
        shard's footer); `expected` is how many things must have been seen in all; `made_with` (versions
        of libraries) is recorded, not compared. Raises Unbalanced if a shard is missing, was never
        planned or does not have the size its receipt states, if a count does not add up, or if an image
        has two rows; Damaged if a footer cannot be read.
        """
        names = [task["name"] for task in self.tasks]
        self._check_all_there(names)
        known = {**self.known, **receipts}
        shards = tuple(known.get(name) or read_receipt(self.folder, name) for name in names)
        if odd := changed(self.folder, shards):
            raise Unbalanced(f"{odd} while the manifest was made; remove the file, the next run makes it again")
        for shard in shards:
            shard.counts.check(f"{self.folder.url}/{shard.name}")
        self._check_earlier(shards)
        manifest = Manifest(self.folder, self.lineage, shards, self.made_of, self.grown, removed=self.removed)
        if expected is not None and manifest.counts.seen != expected:
            raise Unbalanced(f"{self.folder.url}: {manifest.counts.seen} seen, {expected} expected; not committed")
        if self.lineage.table.startswith("images "):
            # the other tables are made from this one, row by row, or pair by pair from tiles that do not overlap
            check_image_ids(self.folder, shards)
        self.folder.write(COMMIT, json_bytes(_commit_value(manifest) | {"made_with": dict(made_with or {})}))
        return manifest

    def _check_all_there(self, names: Sequence[str]) -> None:
        there = {name.removesuffix(SUFFIX) for name in self.folder.sizes() if name.endswith(SUFFIX)}
        if there != set(names):
            odd = sorted(there ^ set(names))[0]
            raise Unbalanced(f"{self.folder.url}: the shard {odd} is missing or was never planned; not committed")

    def _check_earlier(self, shards: Sequence[Receipt]) -> None:
        if self.grown and content_of(shards[: self.grown[-1].shards]) != self.grown[-1].content:
            raise Unbalanced(f"{self.folder.url}: the shards it had before it grew are others now; not committed")


def _states(then: Manifest | Draft, now: Lineage) -> tuple[Earlier, ...]:
    """Return the committed states before `now`: not `now` itself, if new files were withdrawn before their commit."""
    own = (Earlier(len(then.shards), then.lineage.fingerprint, then.content),) if isinstance(then, Manifest) else ()
    return tuple(state for state in (*then.grown, *own) if state.fingerprint != now.fingerprint)


def _check_names(lineage: Lineage, tasks: Sequence[Mapping[str, Any]]) -> None:
    names = [task["name"] for task in tasks]
    if len(set(names)) != len(names):
        raise ValueError(f"{lineage.step}: two tasks of one name")
    if odd := [name for name in names if "/" in name or name.startswith(("_", ".")) or not name]:
        raise ValueError(f"{lineage.step}: a shard called {odd[0]!r} would be hidden from other readers")


def _check_no_others(folder: Folder, ours: set[str]) -> None:
    if foreign := [name for name in folder.sizes() if name.endswith(SUFFIX) and name not in ours]:
        raise Refused(
            f"{folder.url} already holds {foreign[0]}, which no plan of this project accounts for; move it away, "
            "or name another run"
        )


def _draft(folder: Folder, value: Any) -> Draft:
    grown = tuple(map(Earlier.from_json, value.get("grown", ())))
    removed = tuple(map(Removed.from_json, value.get("removed", ())))
    lineage = Lineage.from_json(value["lineage"])
    return Draft(folder, lineage, tuple(value["tasks"]), value["made_of"], grown, removed=removed)


def _commit_value(manifest: Manifest) -> dict[str, Any]:
    return {
        "fingerprint": manifest.lineage.fingerprint,
        "lineage": manifest.lineage.to_json(),
        "content": manifest.content,
        "counts": manifest.counts.to_json(),
        "made_of": dict(manifest.made_of),
        "grown": [state.to_json() for state in manifest.grown],
        "removed": [one.to_json() for one in manifest.removed],
        "shards": [shard.to_json() for shard in manifest.shards],
    }
