# Client rows: what a test run says about each client, for the table in docs/compatibility.md.
"""A test calls `record` once for each client that it ran; tests/clients_table makes the table of what was recorded.

Without $SELVEDGE_CLIENT_ROWS (the file that ./test names) nothing is written.
"""
import json
import os


def record(client, version, what, passed, failed):
    """`client`: its name in its registry. `version`: the one installed. `what`: what was run, in a few words.
    `passed`, `failed`: claims about it that held, and that did not."""
    file = os.environ.get("SELVEDGE_CLIENT_ROWS")
    if not file:
        return
    row = {"client": client, "version": version, "what": what, "passed": passed, "failed": failed}
    with open(file, "a", encoding="utf-8") as rows:
        rows.write(json.dumps(row, ensure_ascii=False) + "\n")
