# Owns openapi.json as a yardstick: its operations, its examples, and whether an answer fits.
# Called by the tests of the API's description.
# Never asks anybody.
import json
from dataclasses import dataclass

import jsonschema

METHODS = ("get", "post")


@dataclass
class Operation:
    document: dict
    path: str
    method: str
    raw: dict

    @property
    def name(self):
        return self.raw["operationId"]

    @property
    def is_public(self):
        return self.raw.get("security") == []

    def response(self, status):
        return follow(self.document, self.raw["responses"][str(status)])

    def body(self):
        """The body that the document shows, if there is one."""
        content = self.raw.get("requestBody", {}).get("content", {})
        shown = [value for media in content.values() for value in examples(media)]
        return shown[0] if shown else None

    def fits(self, answer):
        """Raises where an answer is not as described; returns its status."""
        where = f"{self.name}: {answer.status_code} {answer.text[:300]}"
        assert str(answer.status_code) in self.raw["responses"], where
        said = self.response(answer.status_code)
        for name, header in said.get("headers", {}).items():
            header = follow(self.document, header)
            value = answer.headers.get(name)
            assert value is not None or not header.get("required"), f"no {name}: {where}"
            if value is not None:
                value = int(value) if header["schema"]["type"] == "integer" else value
                conforms(self.document, header["schema"], value)
        media = answer.headers.get("Content-Type", "").split(";")[0]
        if answer.request.method == "HEAD":
            assert answer.content == b"", where
            return answer.status_code
        if "content" not in said:
            assert media == "" and answer.content == b"", where
            return answer.status_code
        assert list(said["content"]) == [media], where
        value = answer.json() if media.endswith("json") else answer.text
        conforms(self.document, said["content"][media]["schema"], value)
        return answer.status_code


def operations(document):
    return [
        Operation(document, path, method, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def follow(document, node):
    """What a `$ref` names."""
    while "$ref" in node:
        found = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def conforms(document, schema, value):
    """Raises where a value is not what the schema says, formats among it."""
    whole = {**schema, "components": document["components"]}
    kind = jsonschema.Draft202012Validator
    faults = kind(whole, format_checker=kind.FORMAT_CHECKER).iter_errors(value)
    fault = jsonschema.exceptions.best_match(faults)
    # The whole schema in a message would hide what is wrong.
    assert fault is None, f"{fault.json_path}: {fault.message[:300]}"


def examples(node):
    """The values that a media type or a parameter shows."""
    if "example" in node:
        return [node["example"]]
    return [shown["value"] for shown in node.get("examples", {}).values()]


def shown(document):
    """Every example with its schema, wherever it stands: (place, schema, value)."""

    def walk(node, place):
        if isinstance(node, list):
            for index, item in enumerate(node):
                yield from walk(item, f"{place}/{index}")
        elif isinstance(node, dict):
            if "schema" in node:
                for value in examples(node):
                    yield place, node["schema"], value
            for key, item in node.items():
                if key not in ("example", "examples"):
                    yield from walk(item, f"{place}/{key}")

    yield from walk(json.loads(json.dumps(document)), "")
