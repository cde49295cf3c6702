# OpenAPI document: what the server promises about an answer, held against real answers.
import json
import re

import jsonschema_rs

METHODS = ("get", "put", "post", "delete", "patch")


class Document:
    """The document as served; `text` is its JSON."""

    def __init__(self, text):
        self.json = json.loads(text)
        # Templates with more fixed text come first: /ai/run before /ai/{x}.
        paths = sorted(self.json["paths"], key=lambda path: (path.count("{"), -len(path)))
        self.patterns = [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "/?$"), path) for path in paths]
        # The last parameter of these holds slashes, which a template cannot say.
        self.patterns += [(re.compile(re.sub(r"\\\{\w+\\\}$", ".+", re.escape(path)).replace(r"\{account_id\}", "[^/]+") + "$"),
                           path) for path in paths if re.search(r"/\{model(_name)?\}$", path)]
        self.validators = {}

    def path_of(self, path):
        """The template that `path` belongs to, or None."""
        return next((template for pattern, template in self.patterns if pattern.match(path)), None)

    def _at(self, *parts):
        """What stands at `parts`, references on the way followed; None where nothing does."""
        value = self.json
        for at, part in enumerate(parts):
            if not isinstance(value, dict) or part not in value:
                return None
            value = value[part]
            if isinstance(value, dict) and "$ref" in value and part != "schema":
                return self._at(*value["$ref"][2:].split("/"), *parts[at + 1:])
        return value

    def _wrong_body(self, schema, value):
        if id(schema) not in self.validators:
            whole = {**schema, "components": self.json["components"]}
            self.validators[id(schema)] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        for error in self.validators[id(schema)].iter_errors(value):
            return f"at {'/'.join(map(str, error.instance_path)) or 'the top'}: {error.message:.300}"
        return None

    def wrong(self, method, target, status, content_type, body):
        """What an answer to `method target` does that the document does not promise, or None."""
        template = self.path_of(target.split("?")[0])
        if template is None:
            return None if status >= 400 else f"{method} {target} answers {status} and is not in the document"
        method = "get" if method == "HEAD" else method.lower()
        if method not in self.json["paths"][template]:
            return None if method == "options" or status >= 400 else f"{method} {template} is not in the document"
        if self._at("paths", template, method, "responses", str(status)) is None:
            return f"{method} {template}: status {status} is not in the document"
        if not body:
            return None
        kind = (content_type or "").split(";")[0].strip()
        media = self._at("paths", template, method, "responses", str(status), "content", kind)
        if media is None:
            return f"{method} {template}: {kind or 'no content type'} with status {status} is not in the document"
        if kind != "application/json":
            return None
        try:
            value = json.loads(body)
        except ValueError as problem:
            return f"{method} {template}: no JSON: {problem}"
        found = self._wrong_body(media["schema"], value)
        return f"{method} {template} {status}: not as in the document {found}" if found else None


def document_problems(text):
    """What makes the document itself no OpenAPI 3.1, as texts."""
    from openapi_spec_validator import OpenAPIV31SpecValidator

    document = json.loads(text)
    problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message:.300}"
                for error in OpenAPIV31SpecValidator(document).iter_errors()]
    for template, item in document["paths"].items():
        for method, operation in item.items():
            if method not in METHODS:
                continue
            for media in (operation.get("requestBody") or {}).get("content", {}).values():
                problems += [f"{method} {template}: {problem}" for problem in wrong_examples(document, media)]
    return problems


def wrong_examples(document, media):
    """Examples that are not what their own schema wants."""
    examples = [item["value"] for item in media.get("examples", {}).values()]
    if "example" in media:
        examples.append(media["example"])
    schema = {**media.get("schema", {}), "components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema)
    return [f"the example {json.dumps(example):.100} does not fit" for example in examples if not validator.is_valid(example)]
