# S3 fake: a bucket in memory that checks the signature of every request (AWS Signature Version 4).
import hashlib
import hmac
import http.server
import threading
import urllib.parse

ACCESS_KEY, SECRET_KEY, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-test-1"


def signature(secret, day, region, parts):
    """The hex signature of the text to sign, made of `parts`."""
    key = f"AWS4{secret}".encode()
    for word in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return hmac.new(key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def expected_signature(method, target, headers, body, authorization):
    """What the signature of this request must be, computed from nothing but the request and the secret."""
    fields = dict(part.strip().split("=", 1) for part in authorization.removeprefix("AWS4-HMAC-SHA256").split(","))
    _, day, region, _, _ = fields["Credential"].split("/")
    path, _, query = target.partition("?")
    names = fields["SignedHeaders"].split(";")
    canonical = "\n".join([
        method, path, "&".join(sorted(query.split("&"))) if query else "",
        *(f"{name}:{' '.join(headers[name].split())}" for name in names), "",
        fields["SignedHeaders"], hashlib.sha256(body).hexdigest()])
    return names, region, signature(SECRET_KEY, day, region, [
        "AWS4-HMAC-SHA256", headers["x-amz-date"], f"{day}/{region}/s3/aws4_request",
        hashlib.sha256(canonical.encode()).hexdigest()])


class S3Fake:
    """`url` is its endpoint, `objects` {"/bucket/key": (content type, bytes)}, `refused` the reasons of refusals."""

    def __enter__(self):
        fake = self
        self.objects, self.refused, self.fail_next = {}, [], 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = fake.put(self.path, self.headers, body)
                text = b"" if status == 200 else b"<Error><Code>SignatureDoesNotMatch</Code></Error>"
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def put(self, target, headers, body):
        if self.fail_next:
            self.fail_next -= 1
            return 503
        authorization = headers.get("authorization", "")
        if not authorization.startswith("AWS4-HMAC-SHA256 "):
            return self.refuse("no signature")
        names, region, expected = expected_signature("PUT", target, headers, body, authorization)
        if not authorization.endswith(f"Signature={expected}"):
            return self.refuse("another signature")
        if region != REGION or not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names):
            return self.refuse(f"region {region}, signed {names}")
        if headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            return self.refuse("another body")
        self.objects[urllib.parse.unquote(target)] = (headers["content-type"], body)
        return 200

    def refuse(self, reason):
        self.refused.append(reason)
        return 403

    def environment(self, **changes):
        """What a client needs to know."""
        return {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL_S3": self.url, **changes}
