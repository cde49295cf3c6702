# Media hooks: how schemathesis writes the bodies whose media types it does not know.
import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """The schema says text; what a test of bad input makes of it goes out as its JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")
