# Owns what schemathesis must know of our API beyond openapi.json.
# Called by schemathesis, which finds it in schemathesis.toml.
# Never lets pass what the document forbids, but for the three things that it names.
import schemathesis
from schemathesis.core import NOT_SET
from schemathesis.specs.openapi.checks import negative_data_rejection


@schemathesis.check
def bad_input_is_refused(ctx, response, case):
    """As negative_data_rejection, but for the ways in which to say nothing (an empty parameter,
    as a form sends it, and a body that is left out where none is required), and for ids that are
    whole numbers: the document says so in words, and its schema has texts for typed clients."""
    if any(value == "" for value in (case.query or {}).values()):
        return None
    name = case.operation.definition.raw["operationId"]
    if name == "sendHeartbeat" and case.body is NOT_SET:
        return None
    if name == "queryUsers" and isinstance(case.body, dict):
        ids = case.body.get("ids")
        if isinstance(ids, list) and any(type(user) is int for user in ids):
            return None
    return negative_data_rejection(ctx, response, case)
