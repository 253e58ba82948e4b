"""Queries and scans to their last page, and batches, against the service and the model."""
import json

import documents
import values
from operations import Difference, body_of, capacity, comparable, exchange, expected_answer, refusal, refused_answer
from values import Refused

PAGE_BYTES, LARGEST_ITEM = 1 << 20, values.ITEM_BYTES_MAX


def run_query(op, tables, connection):
    table = tables[op["table"]]
    try:
        table.check_many(op)
        rows = table.matching(op)
        at = position(table, rows, op)
    except Refused as e:
        return refused_both(op, "Query", refusal(op, e), table, connection)
    body = body_of(op, table)
    while True:
        error, answer = connection.call("Query", body)
        if error:
            raise Difference({"Query": body}, answer, {"rows": len(rows)})
        taken = rows[at:at + answer["ScannedCount"]]
        want = expected_answer(op, table, table.page(op, taken))
        at += len(taken)
        check_page({"Query": body}, op, answer, want, taken, at == len(rows), table)
        if "LastEvaluatedKey" not in answer:
            return None
        body["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def refused_both(op, operation, want, table, connection):
    body = body_of(op, table)
    got, answer = exchange(connection, operation, body)
    if got != want:
        raise Difference({operation: body}, answer, want)
    return want["error"]


def position(table, rows, op):
    """Index of the first row after ExclusiveStartKey."""
    if op.get("start") is None:
        return 0
    _, start = table.exact_key(op["start"])
    if table.sort is None:
        return len(rows)
    mark = values.order(start[1])
    return sum(1 for k, _ in rows if (values.order(k[1]) <= mark if op["forward"] else values.order(k[1]) >= mark))


def check_page(request, op, answer, want, taken, last, table):
    """A page ends at Limit, at the size bound, or with the rows."""
    last_key = answer.pop("LastEvaluatedKey", None)
    got = comparable(answer)
    full = op.get("limit") == len(taken) or sum(values.item_size(i) for _, i in taken) > PAGE_BYTES - LARGEST_ITEM
    over = op.get("limit") is not None and len(taken) > op["limit"]
    key = None if not taken else {n: values.to_json(taken[-1][1][n]) for n in table.key_names}
    fits = (last and op.get("limit") != len(taken)) if last_key is None else (full and last_key == key)
    if last_key is not None:
        answer["LastEvaluatedKey"] = last_key
    if got != want or over or not fits:
        raise Difference(request, answer, want | {"last key": key, "last": last})


def run_scan(op, tables, connection):
    table = tables[op["table"]]
    try:
        table.check_many(op)
    except Refused as e:
        return refused_both(op | ({"segment": 0} if op.get("segments") else {}), "Scan", refusal(op, e), table, connection)
    pages = []
    for segment in range(op.get("segments") or 1):
        body = body_of(op | ({"segment": segment} if op.get("segments") else {}), table)
        pages += scan_pages(op, table, body, connection)
    check_scan(op, table, pages)
    return None


def scan_pages(op, table, body, connection):
    out = []
    while True:
        error, answer = connection.call("Scan", body)
        if error:
            raise Difference({"Scan": body}, answer, "a page")
        out.append((dict(body), answer))
        if "LastEvaluatedKey" not in answer:
            return out
        if set(answer["LastEvaluatedKey"]) != set(table.key_names) or op.get("limit", 1) is None and len(out) > 1000:
            raise Difference({"Scan": body}, answer, {"last key of": table.key_names})
        body["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def check_scan(op, table, pages):
    rows = list(table.items.items())
    whole = table.page(op, rows)
    want = {"Count": whole["Count"], "ScannedCount": len(rows)}
    got = {f: sum(a[f] for _, a in pages) for f in want}
    if "Items" in whole:
        want["Items"] = bag(values.item_json(i) for i in whole["Items"])
        got["Items"] = bag(values.answered_item(i) for _, a in pages for i in a["Items"])
    if got != want:
        raise Difference({"Scan": pages[0][0], "pages": len(pages)}, got, want)
    for body, answer in pages:
        if op.get("limit") and answer["ScannedCount"] > op["limit"]:
            raise Difference({"Scan": body}, answer, {"limit": op["limit"]})
        if "Items" in answer and not op.get("filter") and not op.get("projection"):
            check_scan_units(op, table, body, answer)


def check_scan_units(op, table, body, answer):
    keys = [tuple(values.parse(i[n]) for n in table.key_names) for i in answer["Items"]]
    want = capacity(op, table, table.page(op, [(k, table.items[k]) for k in keys])["units"])
    if answer.get("ConsumedCapacity") != want.get("ConsumedCapacity"):
        raise Difference({"Scan": body}, answer.get("ConsumedCapacity"), want)


def bag(items):
    return sorted(json.dumps(i, sort_keys=True) for i in items)


def run_batch_write(op, tables, connection):
    body = {"RequestItems": {}}
    for t, kind, j in op["requests"]:
        request = {"PutRequest": {"Item": j}} if kind == "put" else {"DeleteRequest": {"Key": j}}
        body["RequestItems"].setdefault(tables[t].name, []).append(request)
    if op.get("capacity"):
        body["ReturnConsumedCapacity"] = op["capacity"]
    try:
        want = {"ConsumedCapacity": write_batch(op, tables)}
    except Refused as e:
        want = refusal(op, e)
    got, answer = finished_batch(connection, "BatchWriteItem", body, "UnprocessedItems")
    if not asks_capacity(op):
        want.pop("ConsumedCapacity", None)
    got.pop("Items", None)
    if got != want:
        raise Difference({"BatchWriteItem": body}, answer, want)
    return want.get("error")


def finished_batch(connection, operation, body, unprocessed):
    """The answer, once what was left over has been asked again; units by table summed, other fields of the last."""
    units, items, asked = {}, {}, dict(body)
    while True:
        error, answer = connection.call(operation, asked)
        if error:
            return refused_answer(error, answer), answer
        for c in answer.get("ConsumedCapacity", ()):
            units[c["TableName"]] = units.get(c["TableName"], 0) + c["CapacityUnits"]
        for name, some in answer.get("Responses", {}).items():
            items.setdefault(name, []).extend(some)
        if not answer[unprocessed]:
            got = {"Items": items} | ({"ConsumedCapacity": units} if "ConsumedCapacity" in answer else {})
            return got, answer
        asked = asked | {"RequestItems": answer[unprocessed]}


def write_batch(op, tables):
    """Units by table. Nothing is written unless the whole request is in order."""
    if not 1 <= len(op["requests"]) <= 25:
        raise Refused("1 to 25 requests")
    checked = []
    for t, kind, j in op["requests"]:
        item = values.parse_item(j)
        if kind == "put":
            tables[t].check_indexed(item)
        checked.append((t, kind, j, tables[t].key_of(item) if kind == "put" else tables[t].exact_key(j)[1]))
    if len({(t, key) for t, _, _, key in checked}) != len(checked):
        raise Refused("the same item twice")
    units = {}
    for t, kind, j, _ in checked:
        single = {"returns": "NONE", "item" if kind == "put" else "key": j}
        own, arms = getattr(tables[t], kind)(single)["units"]
        units[tables[t].name] = units.get(tables[t].name, 0) + own + sum(arms.values())
    return units


def run_batch_get(op, tables, connection):
    body = {"RequestItems": {}}
    for t, part in op["parts"].items():
        body["RequestItems"][tables[t].name] = {"Keys": part["keys"], **part_of_body(part, tables[t])}
    if op.get("capacity"):
        body["ReturnConsumedCapacity"] = op["capacity"]
    try:
        want = read_batch(op, tables)
    except Refused as e:
        want = refusal(op, e)
    got, answer = finished_batch(connection, "BatchGetItem", body, "UnprocessedKeys")
    if "error" not in got:
        got["Items"] = {name: bag(map(values.answered_item, items)) for name, items in got["Items"].items()}
    if not asks_capacity(op):
        want.pop("ConsumedCapacity", None)
    if got != want:
        raise Difference({"BatchGetItem": body}, answer, want)
    return want.get("error")


def asks_capacity(op):
    return op.get("capacity") in ("TOTAL", "INDEXES")


def part_of_body(part, table):
    made = body_of({"style": part["style"], "projection": part["projection"], "consistent": True}, table)
    del made["TableName"]
    return made


def read_batch(op, tables):
    if not 1 <= sum(len(p["keys"]) for p in op["parts"].values()) <= 100:
        raise Refused("1 to 100 keys")
    items, units = {}, {}
    for t, part in op["parts"].items():
        keys = [tables[t].exact_key(j)[1] for j in part["keys"]]
        if len(set(keys)) != len(keys) or not keys:
            raise Refused("the same key twice")
        if part["projection"] and documents.any_overlap(part["projection"]):
            raise Refused("paths overlap")
        answers = [tables[t].get({"key": j, "consistent": True, "projection": part["projection"]}) for j in part["keys"]]
        items[tables[t].name] = bag(values.item_json(a["Item"]) for a in answers if a["Item"] is not None)
        units[tables[t].name] = sum(a["units"] for a in answers)
    return {"Items": items, "ConsumedCapacity": units}
