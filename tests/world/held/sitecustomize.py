"""Python imports this at the start of every process that finds it on its path: those that a test holds at a gate.

See world/gate.py. A process waits in the audit event that comes before a file gets its name. And world/patient.py.
"""

import fnmatch
import json
import os
import sys
import time

CLOSED = os.path.join(os.environ.get("BLINDPAIRS_GATE", ""), "closed")


def _rule():
    try:
        with open(CLOSED) as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def _is_let_through(rule):
    whose = f"{os.getpid()}-" if rule["each"] else ""
    for number in range(rule["after"]):
        try:
            os.close(os.open(os.path.join(rule["room"], f"passed-{whose}{number}"), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        return True
    return False


def _wait(event, words):
    if event not in ("os.rename", "os.link") or (rule := _rule()) is None:
        return
    if not fnmatch.fnmatchcase(os.fsdecode(words[1]), rule["pattern"]) or _is_let_through(rule):
        return
    os.close(os.open(os.path.join(rule["room"], f"waits-{os.getpid()}"), os.O_CREAT))
    while _rule() == rule:
        time.sleep(0.01)


if "BLINDPAIRS_GATE" in os.environ:
    sys.addaudithook(_wait)
if "BLINDPAIRS_PATIENT" in os.environ:
    from world.patient import install

    install()
