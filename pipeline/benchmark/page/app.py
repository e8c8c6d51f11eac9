"""App: the routes of the authors' page. Names in a request are looked up among the run's pairs, never on the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, StrictInt, StrictStr

from manifests.errors import BlindpairsError
from pipeline.benchmark.page.desk import SHOWS, Desk
from pipeline.benchmark.page.drafting import Drafting
from pipeline.benchmark.page.gate import Gate, Pass
from pipeline.benchmark.page.pages import page, static
from pipeline.benchmark.page.shots import shot
from pipeline.benchmark.page.views import pair_view, window
from stages.author.authored import Ids, Unwritable
from stages.author.opening import StoreFailed
from stages.author.store import Conflict
from stages.images import ImageRefused
from stages.models.chat import Chat, DraftFailed
from stages.patterns import PATTERNS

FIRST = 3  # pairs sent with the page
Forms = Callable[[int], Sequence[str]]


class Change(BaseModel):
    """A write to one pair, and the version it is based on."""

    model_config = ConfigDict(extra="forbid")
    version: StrictInt
    changes: dict[StrictStr, StrictStr] = {}


def bare_app(given: Pass, photo: Callable[[str], Response]) -> FastAPI:
    """Return what both pages share: the gate, the photos by the names that `photo` knows, and the static files."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Gate, given=given)

    @app.get("/photos/{name}")
    def photos(name: str) -> Response:
        return photo(name)

    app.get("/static/{name}")(static)
    app.exception_handler(BlindpairsError)(_told)
    app.exception_handler(RequestValidationError)(_odd)
    return app


async def _told(request: Request, error: Exception) -> Response:
    """Return a refusal of the program as the page shows it; a store that does not answer now may do so soon."""
    return JSONResponse({"error": str(error)}, 503 if isinstance(error, StoreFailed) else 409)


async def _odd(request: Request, error: Exception) -> Response:
    """Return the answer to a request that this page does not send; the content of the request is not sent back."""
    return JSONResponse({"error": "the request is not as this page sends them"}, 422)


def photo_response(jpeg: bytes) -> Response:
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def photo_of(photos: Callable[[], Any]) -> Callable[[str], Response]:
    """Return the photo route: it serves those in `photos()`, image_id -> Photo, and no others."""

    def photo(image_id: str) -> Response:
        if (found := photos().get(image_id)) is None:
            raise HTTPException(404, "no such image in this run")
        try:
            return photo_response(shot(found))
        except ImageRefused as error:
            return JSONResponse({"error": f"this image could not be read any more: {error.sentence}"}, 410)
        except OSError as error:
            return JSONResponse({"error": f"this image could not be read now: {error}"}, 503)

    return photo


def author_app(
    desk: Desk, given: Pass, names: tuple[str, str], chat: Chat | None = None, forms: Forms = lambda version: ()
) -> FastAPI:
    """Return the app of the person who writes. `names`: the blind and the reference encoder; `chat`: writes drafts.

    `forms` returns the formats that a frozen version fits, as the page suggests them.
    """
    app = bare_app(given, photo_of(lambda: desk.queue.photos))
    app.get("/", response_class=HTMLResponse)(lambda: _page(desk, given, names, chat))

    @app.get("/api/pairs")
    def pairs(
        show: str = "all",
        search: Annotated[str, Query(max_length=200)] = "",
        after: int | None = None,
        before: int | None = None,
        count: int = 1,
    ) -> dict[str, Any]:
        if show not in SHOWS:
            raise HTTPException(422, f"show is one of {', '.join(SHOWS)}")
        return window(desk, show, search, after=after, before=before, count=count)

    @app.put("/api/pairs/{left_id}/{right_id}")
    def change(left_id: str, right_id: str, asked: Change) -> Response:
        ids = (left_id, right_id)
        return _written(desk, ids, lambda: desk.change(ids, asked.version, asked.changes))

    @app.post("/api/undo")
    def undo() -> Response:
        return _written(desk, None, desk.undo)

    drafting = Drafting(desk, chat)

    @app.post("/api/drafts/{left_id}/{right_id}")
    async def drafts(left_id: str, right_id: str, asked: Change) -> Response:
        ids = (left_id, right_id)
        try:
            changes = await drafting.changes(ids, asked.version) if desk.takes(ids) else {}
        except DraftFailed as error:
            return JSONResponse({"error": str(error)}, 502)
        except Conflict:
            changes = {}  # the write below reports it
        write = partial(desk.change, ids, asked.version, changes, drafting.model)
        return await run_in_threadpool(_written, desk, ids, write)

    app.post("/api/freeze")(lambda: _frozen(desk, forms))
    return app


def _frozen(desk: Desk, forms: Forms) -> dict[str, Any]:
    """Freeze, and return the version, what is not in it, and which formats it fits."""
    version, questions, new = desk.freeze()
    told = {"unfinished": desk.unfinished(), "formats": list(forms(version))}
    return {"version": version, "questions": questions, "new": new, **told, "progress": desk.progress()}


def _page(desk: Desk, given: Pass, names: tuple[str, str], chat: Chat | None) -> str:
    start = window(desk, "open", "", after=-1, count=FIRST)
    return page(
        "author.html.j2",
        title=desk.run.folder.name,
        run=desk.run.url,
        person=desk.person,
        blind=names[0],
        reference=names[1],
        drafts=chat.model if chat else "",
        token=given.token,
        start=start,
        first=start["pairs"][0] if start["pairs"] else None,
        progress=desk.progress(),
        patterns=[{"name": one.name, "title": one.title, "asks": one.asks} for one in PATTERNS],
    )


def _written(desk: Desk, ids: Ids | None, write: Callable[[], Any]) -> Response:
    """Return the result of a write: the pair as it is now, whoever wrote it last; null if it is no longer shown."""
    if ids is not None and not desk.takes(ids):
        return JSONResponse({"error": "no such pair in this run"}, 404)
    status, said = 200, dict[str, str]()
    try:
        pair = write()
        ids = pair.ids if pair else None
    except Conflict as error:
        status, said, ids = 409, {"error": f"it was {error}"}, (error.now.left_id, error.now.right_id)
    except Unwritable as error:
        return JSONResponse({"error": str(error)}, 422)
    queue = desk.queue
    view = pair_view(desk, queue, ids) if ids is not None and ids in queue.places else None
    changed = status == 200 and ids is not None  # an undo may find nothing to undo
    return JSONResponse({**said, "pair": view, "changed": changed, "progress": desk.progress()}, status)
