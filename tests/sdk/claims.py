# Claims: counts what holds, prints what does not, for the SDK tests in Python.
import importlib.metadata
import json
import sys
import traceback

_counts = {"passed": 0, "failed": 0}


def claim(name):
    """Decorator: runs the function at once as one claim; what it raises makes the claim false."""
    def run(body):
        try:
            body()
            _counts["passed"] += 1
        except Exception:  # Any failure of the library or of an assertion is the finding.
            _counts["failed"] += 1
            print(f"FAILED {name}\n{traceback.format_exc(limit=-3)}")
        return body
    return run


def same(actual, expected):
    assert actual == expected, f"{actual!r:.300} is not {expected!r:.300}"


def refused(kind, call):
    """The error of class `kind` that `call` must end with."""
    try:
        answer = call()
    except kind as error:
        return error
    raise AssertionError(f"not refused: {answer!r:.300}")


def finish(client, what):
    """Ends the test and says what it ran: `client` is the package's name, `what` a few words for the table of clients."""
    version = importlib.metadata.version(client)
    print("ROW " + json.dumps({"client": client, "version": version, "what": what}))
    print(f"{_counts['passed']} passed, {_counts['failed']} failed")
    sys.exit(1 if _counts["failed"] else 0)
