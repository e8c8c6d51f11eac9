"""Table listing: the tables of a source, at its `uri` and in its lists of URLs to retry, and their columns."""

from __future__ import annotations

from dataclasses import dataclass

from manifests.errors import Refused
from manifests.stores.places import absolute
from stages.download.listing import files_matching, listing, literally
from stages.download.settings import UrlsSettings
from stages.download.store_listing import is_folder
from stages.download.urls.columns import URL, resolved
from stages.download.urls.output_folder import into_of
from stages.download.urls.retry_failed import lists_of
from stages.download.urls.tables import ENDINGS, names
from stages.download.urls.where import Bound, bounds
from stages.download.walk import File


@dataclass(frozen=True)
class Table:
    """One table: where it is stored, its bytes, its columns (ours -> its own), and whether it is a list of ours."""

    uri: str
    bytes: int
    columns: tuple[tuple[str, str], ...]
    listed: bool = False

    def filters(self, source: UrlsSettings) -> tuple[Bound, ...]:
        """Return the filters that its rows must pass: the rows of a list passed when they were first requested."""
        return () if self.listed else bounds(source.where)


def tables(source: UrlsSettings) -> list[Table]:
    """Return the tables of a source by uri, then its lists. Raises Refused if there are none, or one lacks a column."""
    needed = [URL, *(bound.column for bound in bounds(source.where))]
    found = [Table(file.uri, file.size, _columns(source, file.uri, needed)) for file in _files(source)]
    lists = lists_of(source, [table.uri for table in found])
    return found + [Table(uri, 0, _own(uri), listed=True) for uri in lists]  # forgetting images changes their bytes


def lists(source: UrlsSettings) -> list[str]:
    """Return the URIs of the lists that count for a source as it is now."""
    return lists_of(source, table_uris(source))


def table_uris(source: UrlsSettings) -> list[str]:
    """Return the URIs of a source's tables at `uri`."""
    return [file.uri for file in _files(source)]


def table_at(source: UrlsSettings, uri: str, *, listed: bool) -> Table:
    """Return the table that a task names."""
    return Table(uri, 0, _own(uri) if listed else _columns(source, uri, [URL]), listed)


def _columns(source: UrlsSettings, uri: str, needed: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple(resolved(names(uri), source.columns, needed, f"source {source.name}: {uri}").items())


def _own(uri: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, name) for name in names(uri))


def _files(source: UrlsSettings) -> list[File]:
    files = _at_uri(source)
    if inside := [file.uri for file in files if file.uri.startswith(f"{into_of(source).url}/")]:
        raise Refused(
            f"source {source.name}: {inside[0]} lies in `into`, where fetched tables are; choose another into"
        )
    return files


def _at_uri(source: UrlsSettings) -> list[File]:
    uri = source.uri
    with listing(source):
        folder = is_folder(absolute(uri))
    if not folder:
        files = files_matching(source, uri)
        if odd := [file.uri for file in files if not file.uri.endswith(ENDINGS)]:
            raise Refused(f"source {source.name}: {odd[0]} is none of {', '.join(ENDINGS)}; correct its uri")
        return files
    inside = files_matching(source, f"{literally(uri.rstrip('/'))}/*")
    files = [file for file in inside if file.uri.endswith(ENDINGS) and not file.name.startswith(("_", "."))]
    if not files:
        raise Refused(f"source {source.name}: {uri} holds no table of URLs ({', '.join(ENDINGS)}); correct its uri")
    return files
