"""Settings: what a recipe says about fetching URLs. None of it enters the fingerprint: it changes no row that is ok."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from manifests.stores.places import absolute
from stages.settings import Settings


class FetchSettings(Settings):
    """Manners, limits and safety."""

    contact: str = Field(
        min_length=3, description="whom a site's owner can ask, an address or a page: goes into the user agent"
    )
    threads: int = Field(64, ge=1, le=1024, description="URLs asked at once by one worker")
    per_host: int = Field(4, ge=1, description="requests to one host at once, from one machine")
    timeout_s: float = Field(20, gt=0, description="seconds for one image in all, redirects included")
    max_bytes: int = Field(32 << 20, ge=1, description="bytes of one image; a larger one is not read to its end")
    redirects: int = Field(5, ge=0, description="that are followed, each checked as the first address was")
    allow: tuple[str, ...] = Field(
        (), description="private hosts or networks that may be asked all the same: 127.0.0.1, 10.0.0.0/8, media.intern"
    )
    opt_out: Annotated[str, AfterValidator(absolute)] | None = Field(
        None, description="file of URLs, sha256 and image_ids, one a line, that are not to be fetched or kept"
    )
    min_fetched: float = Field(
        0.1, ge=0, le=1, description="a shard of which a smaller share of the URLs asked could be fetched fails"
    )
    again_after_h: float = Field(
        168, ge=0, description="hours before a dead host or a missing page is asked again by --retry-failed"
    )
