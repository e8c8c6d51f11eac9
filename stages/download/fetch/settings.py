"""Settings: what a recipe says about fetching URLs. None of it enters the fingerprint: it changes no row that is ok."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from manifests.stores.places import absolute
from stages.settings import Settings


class FetchSettings(Settings):
    """Politeness, limits and safety."""

    contact: str = Field(
        min_length=3, description="your email address or web page, for owners of sites; it is part of the user agent"
    )
    threads: int = Field(64, ge=1, le=1024, description="URLs that one worker requests at once")
    per_host: int = Field(4, ge=1, description="requests that one machine sends to one host at once")
    timeout_s: float = Field(20, gt=0, description="total seconds for one image, redirects included")
    max_bytes: int = Field(
        32 << 20, ge=1, description="maximum bytes of one image; the rest of a larger one is not read"
    )
    redirects: int = Field(
        5, ge=0, description="number of redirects that are followed, each with the same checks as the first request"
    )
    allow: tuple[str, ...] = Field(
        (), description="private hosts or networks that are allowed as exceptions: 127.0.0.1, 10.0.0.0/8, media.intern"
    )
    opt_out: Annotated[str, AfterValidator(absolute)] | None = Field(
        None, description="file of URLs, sha256 hashes and image_ids, one per line, that must not be fetched or kept"
    )
    min_fetched: float = Field(
        0.1, ge=0, le=1, description="a shard fails if less than this share of its requested URLs could be fetched"
    )
    again_after_h: float = Field(
        168, ge=0, description="hours until --retry-failed requests a dead host or a missing page again"
    )
