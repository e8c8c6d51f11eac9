"""Drafting: a model's draft for the pair on the screen, a few pairs at a time, never replacing what a person wrote."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

from pipeline.benchmark.drafts.draft import draft
from pipeline.benchmark.page.desk import Desk
from pipeline.benchmark.page.shots import shot
from stages.author.authored import WORDS, Ids
from stages.author.store import Conflict
from stages.images import ImageRefused
from stages.models.chat import Chat, DraftFailed

AT_ONCE = 4  # a model may take minutes, and pages and saves must be answered meanwhile


class Drafting:
    """Ask `chat`, if there is one, for drafts of a desk's pairs."""

    def __init__(self, desk: Desk, chat: Chat | None) -> None:
        self.desk, self.chat = desk, chat
        self.model = chat.model if chat else ""
        self._asking = 0

    async def changes(self, ids: Ids, version: int) -> dict[str, str]:
        """Return a draft for a pair read in this version. Raises Conflict, DraftFailed; ends with the server."""
        now = self.desk.written(ids)
        if now.version != version:
            raise Conflict(now)
        if not now.draft and any(getattr(now, name) for name in WORDS):
            raise DraftFailed("a person has written of this pair: take those words out before you ask for a draft")
        if self._asking >= AT_ONCE:
            raise DraftFailed(f"{AT_ONCE} drafts are being waited for; ask again when one is there")
        self._asking += 1
        try:
            said = await asyncio.wrap_future(self._asked_aside(ids))
        except asyncio.CancelledError:
            raise DraftFailed("the server ended before the model had answered") from None
        finally:
            self._asking -= 1
        return {name: text for name, text in said.items() if text or name != "pattern"}  # a pattern is not cleared

    def _asked_aside(self, ids: Ids) -> Future[dict[str, str]]:
        """Ask in a thread that the server does not wait for when it ends: the model may answer minutes later."""
        answer = Future[dict[str, str]]()
        answer.set_running_or_notify_cancel()

        def ask() -> None:
            try:
                answer.set_result(self._asked(ids))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the answer is waited for
                answer.set_exception(error)

        threading.Thread(target=ask, name="draft", daemon=True).start()
        return answer

    def _asked(self, ids: Ids) -> dict[str, str]:
        if self.chat is None:
            raise DraftFailed("no server is named that writes drafts: start with --draft URL --model NAME")
        left, right = (self.desk.queue.photos[image_id] for image_id in ids)
        try:
            shots = shot(left), shot(right)
        except ImageRefused as refusal:
            raise DraftFailed(f"an image of this pair could not be read any more ({refusal.sentence})") from refusal
        return draft(self.chat, *shots, (left.caption, right.caption))
