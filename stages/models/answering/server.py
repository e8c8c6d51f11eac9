"""Server: a model behind a server with OpenAI's chat protocol."""

from __future__ import annotations

from manifests.errors import Refused
from stages.base import Machine
from stages.models.answering.base import AnsweringModel, Generation
from stages.models.answering.settings import Server
from stages.models.encoders.weights import Weights


def check_server(settings: Server) -> None:
    """Raise Refused if the server's settings cannot be used."""


def load(settings: Server, weights: Weights | None, generation: Generation, machine: Machine) -> AnsweringModel:
    raise Refused("servers: being written")
