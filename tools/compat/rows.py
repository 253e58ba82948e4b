"""Rows of services/router/api/api_model.inc: the parameters of operations that are known and not built, out of the model's facts.

Their values go nowhere but for the resource that the operation names and what KEPT names, so all others share one slot of
struct api_unbuilt_input.
"""

NAME_PATTERN = "[a-zA-Z0-9_.-]+"
# Members that name what an operation is about; the first that an operation has is its resource.
RESOURCES = ["TableName", "SourceTableName", "SourceTableArn", "TableArn", "ResourceArn", "BackupArn", "ExportArn", "ImportArn",
             "GlobalTableName", "BulkOperationArn", "StreamArn"]
# Members that say whether more is asked for than there is.
KEPT = {"PointInTimeRecoverySpecification": "settings", "PointInTimeRecoveryEnabled": "setting", "ContributorInsightsAction": "setting",
        "ExpectedRevisionId": "revision", "IndexName": "index"}
HEAD = """/* Parameters of the operations that are not built, as the public service model has them.
 * Written by tools/compat/compat.py; not for editing. */
"""


def symbol(shape):
    return "model_" + shape.replace(".", "_")


def element_kind(facts, shape):
    """What a list or map holds: value, item, string or struct."""
    s = facts.shapes[shape]
    if shape == "AttributeValue":
        return "VALUE"
    if s["kind"] == "map":
        return "ITEM"
    return "STRUCT" if s["kind"] == "struct" else "STRING"


def kind_of(facts, shape):
    """The API_KIND_ of a member of that shape."""
    s = facts.shapes[shape]
    if shape == "AttributeValue":
        return "VALUE"
    if s["kind"] == "list":
        return {"VALUE": "VALUE_LIST", "ITEM": "ITEM_LIST", "STRING": "STRING_LIST", "STRUCT": "STRUCT_LIST"}[element_kind(facts, s["element"])]
    if s["kind"] == "map":
        if shape == "ExpressionAttributeValueMap":
            return "VALUE_MAP"
        if facts.shapes[s["element"]]["kind"] == "list":
            return "STRUCT_LIST_MAP"
        return {"VALUE": "ITEM", "STRING": "NAME_MAP", "STRUCT": "STRUCT_MAP"}[element_kind(facts, s["element"])]
    return {"struct": "STRUCT", "enum": "ENUM", "double": "NUMBER", "timestamp": "NUMBER", "boolean": "BOOL",
            "integer": "INTEGER", "long": "LONG", "string": "TABLE" if shape.endswith("TableArn") else "STRING"}[s["kind"]]


def bounds(kind, s):
    low, high = s.get("min"), s.get("max")
    if kind == "TABLE":
        return "API_TABLE_BYTES_MIN", "API_NAME_BYTES_MAX"
    if kind in ("INTEGER", "LONG") and (low is not None or high is not None):
        widest = {"INTEGER": ("INT32_MIN", "INT32_MAX"), "LONG": ("INT64_MIN", "INT64_MAX")}[kind]
        return widest[0] if low is None else low, widest[1] if high is None else high
    return low or 0, high or 0


def row(facts, name, member, resource):
    s = facts.shapes[member["shape"]]
    # An ARN parameter stays whole; a table's name may be given as one.
    kind = kind_of(facts, member["shape"])
    if kind == "TABLE" and name.endswith("Arn"):
        kind = "STRING"
    flags = [] if not member["required"] else ["API_REQUIRED"]
    if kind == "TABLE" or s.get("pattern") == NAME_PATTERN:
        flags.append("API_NAME_PATTERN")
    inner = s["element"] if kind == "STRUCT_LIST" else member["shape"]
    low, high = bounds(kind, s)
    return '    {"%s", API_KIND_%s, %s, offsetof(struct api_unbuilt_input, %s), %s, %s, %s, %s},' % (
        name, kind, " | ".join(flags) or 0, "resource" if resource else KEPT.get(name, "slot"),
        f"&{symbol(inner)}" if kind in ("STRUCT", "STRUCT_LIST") else "NULL",
        '"%s"' % ", ".join(s["values"]) if kind == "ENUM" else "NULL", low, high)


def structs(facts, shape, done):
    """Every struct below shape, what is contained before what contains it."""
    s = facts.shapes[shape]
    if shape == "AttributeValue" or shape in done:
        return
    if s["kind"] == "struct":
        done[shape] = None
        for m in s["members"].values():
            yield from structs(facts, m["shape"], done)
        yield shape
    elif s["kind"] in ("list", "map"):
        yield from structs(facts, s["element"], done)


def resources(facts, op):
    members = facts.shapes[facts.ops[op]["input"]]["members"]
    named = [r for r in RESOURCES if r in members]
    return set(named[:1]) | ({"SourceTableName", "SourceTableArn"} & set(named))


def text(facts, unbuilt):
    inputs = {}
    for op in unbuilt:
        inputs.setdefault(facts.ops[op]["input"], op)
    done, out = {}, [HEAD]
    order = [s for i in inputs for s in structs(facts, i, done)]
    for shape in order:
        members = facts.shapes[shape]["members"]
        chosen = resources(facts, inputs[shape]) if shape in inputs else set()
        rows = [row(facts, n, m, n in chosen) for n, m in members.items()]
        out.append(f"static const struct api_field {symbol(shape)}_rows[] = {{\n" + "\n".join(rows) + "\n};")
        out.append(f"static const struct api_shape {symbol(shape)} = MODEL_SHAPE({symbol(shape)}_rows, \"{shape.split('.')[-1]}\");\n")
    return "\n".join(out).rstrip() + "\n"
