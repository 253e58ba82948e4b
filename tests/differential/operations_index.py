"""Queries and scans of secondary indexes, to their last page. A global index is given time to catch up with its table."""
import time

import conditions
import model
import values
from operations import Difference, body_of
from operations_many import bag, refused_both
from values import Refused

PATIENCE_S = 20


def run(op, tables, connection):
    table = tables[op["table"]]
    index = table.index(op["index"])
    operation = "Query" if op.get("hashes") else "Scan"
    try:
        rows = expected_rows(op, table, index)
    except Refused as e:
        return refused_both(op, operation, {"error": e.error}, table, connection)
    until = time.time() + (PATIENCE_S if index.is_global else 0)
    while True:
        difference = compare(op, table, index, operation, rows, connection)
        if difference is None:
            return None
        if time.time() > until:
            raise difference
        time.sleep(0.02)


def expected_rows(op, table, index):
    if index.is_global and op["consistent"]:
        raise Refused("no strong reads of a global index")
    if index.is_global and op.get("select") == "ALL_ATTRIBUTES" and index.projection != "ALL":
        raise Refused("the index does not hold all attributes")
    if op.get("filter"):
        conditions.check(op["filter"])
        if op.get("hashes") and conditions.names(op["filter"]) & set(index.key_names()):
            raise Refused("a query's filter does not speak of keys")
        table.check_scalars(conditions.paths(op["filter"]))
    items = [i for i in table.items.values() if index.holds(i)]
    for (name, _), j in zip(index.hashes, op.get("hashes") or ()):
        items = [i for i in items if i[name] == values.parse(j)]
    if op.get("range"):
        items = [i for i in items if in_range(i[index.sorts[0][0]], op["range"])]
    return [(index.row(i, table.key_names), i) for i in items]


def in_range(v, condition):
    name, operands = condition[0], [values.parse(j) for j in condition[1:]]
    if name == "begins":
        return v[1].startswith(operands[0][1])
    if name == "between":
        return values.order(operands[0]) <= values.order(v) <= values.order(operands[1])
    return conditions.compare(name, v, operands[0])


def compare(op, table, index, operation, rows, connection):
    """A Difference, or None."""
    whole = op.get("select") == "ALL_ATTRIBUTES"
    shown = [item if whole else row for row, item in rows if not op.get("filter") or conditions.holds(op["filter"], row)]
    want = {"Count": len(shown), "ScannedCount": len(rows), "Items": bag(map(values.item_json, shown))}
    pages = list(read(op, table, operation, connection))
    got = {f: sum(a[f] for _, a in pages) for f in ("Count", "ScannedCount")}
    items = [i for _, a in pages for i in a["Items"]]
    got["Items"] = bag(map(values.answered_item, items))
    request = {operation: pages[0][0], "pages": len(pages)}
    if got != want:
        return Difference(request, got, want)
    if op.get("hashes") and index.sorts:
        order = [index.order({n: values.parse(v) for n, v in i.items()}) for i in items]
        if order != sorted(order, reverse=not op["forward"]):
            return Difference(request, items, "in order of the sort key")
    if len(pages) == 1 and op.get("capacity") in ("TOTAL", "INDEXES") and not (whole and index.projection != "ALL"):
        units = model.read_units(sum(values.item_size(row) for row, _ in rows), op["consistent"])
        if pages[0][1]["ConsumedCapacity"]["CapacityUnits"] != units:
            return Difference(request, pages[0][1]["ConsumedCapacity"], units)
    return None


def read(op, table, operation, connection):
    body = body_of(op, table)
    marks = {*table.key_names, *table.index(op["index"]).key_names()}
    while True:
        error, answer = connection.call(operation, body)
        if error:
            raise Difference({operation: body}, answer, "a page")
        yield dict(body), answer
        if op.get("limit") and answer["ScannedCount"] > op["limit"]:
            raise Difference({operation: body}, answer, {"limit": op["limit"]})
        if "LastEvaluatedKey" not in answer:
            return
        if set(answer["LastEvaluatedKey"]) != marks:
            raise Difference({operation: body}, answer, {"last key of": sorted(marks)})
        body["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
