"""A store in a process of its own: moto's S3 on loopback. Says its port, then does what a line of JSON asks.

Run as a script. Asked for are things that HTTP would be slow or wordy for: many files at once, users.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer


def fill(bucket: str, names: list[str], size: int) -> None:
    """Many files of zeros."""
    for name in names:
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, name, bytes(size))


def user(name: str, actions: list[str]) -> list[str]:
    """A user who may do only these S3 actions; access key and secret."""
    users = iam_backends[DEFAULT_ACCOUNT_ID]["aws"]
    users.create_user("us-east-1", name)
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    users.put_user_policy(name, "some", json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    key = users.create_access_key(name)
    return [key.access_key_id, key.secret_access_key]


def guard(on: bool) -> None:
    """Look at who asks from now on, or let everybody."""
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0 if on else float("inf")


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    for line in sys.stdin:  # ends with the process that started it
        name, words = json.loads(line)
        answer: Any = {"fill": fill, "user": user, "guard": guard}[name](*words)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
