"""The two workloads: what one step of a client asks for, and what the answer means to the checkers.

A record of the history is [client, table, key, kind, argument, invoked_ns, returned_ns, outcome, result]; times are
CLOCK_MONOTONIC, outcome as in client.py. An item of a register table is written as [v, n] (text or null, number or
null), an absent one as null.

  kind     argument        result if ok
  get      null            the item
  put      v               null, or the item before it (ALL_OLD) as {"old": item}
  cput     [expected, v]   null; expected null: the item must not exist. cond: v was not the expected one
  add      delta           n after it
  del      null            {"old": item}
  append   element         null, or the list after it
  read     null            the list, null if absent
"""
import json

GENERATION_S = 10  # after so long a table's clients turn to fresh keys: histories per key stay short


def item_of(answer_item):
    if not answer_item:
        return None
    v, n = answer_item.get("v"), answer_item.get("n")
    return [v["S"] if v else None, int(n["N"]) if n else None]


def list_of(answer_item):
    return [e["S"] for e in answer_item["l"]["L"]] if answer_item and "l" in answer_item else None


class Register:
    """Puts, conditional puts, strong gets, counter updates and deletes of a few contended keys."""

    def __init__(self, client, me, table, slots, random):
        self.client, self.me, self.table, self.slots, self.random = client, me, table, slots, random
        self.count, self.last = 0, {}

    def step(self, seconds):
        key = f"{int(seconds // GENERATION_S)}-{self.random.randrange(self.slots)}"
        dice = self.random.random()
        kind = "get" if dice < 0.42 else "put" if dice < 0.6 else "cput" if dice < 0.78 else "add" if dice < 0.93 else "del"
        self.count += 1
        argument, outcome, answer, result = getattr(self, kind)(key, f"{self.me}.{self.count}")
        if len(self.last) > 64:
            self.last.clear()
        return key, kind, argument, outcome, answer, result

    def get(self, key, _):
        outcome, a = self.client.call("GetItem", {"TableName": self.table, "Key": {"pk": {"S": key}}, "ConsistentRead": True})
        result = item_of(a.get("Item")) if outcome == "ok" else None
        if outcome == "ok":
            self.last[key] = result
        return None, outcome, a, result

    def put(self, key, value):
        body = {"TableName": self.table, "Item": {"pk": {"S": key}, "v": {"S": value}}}
        wants_old = self.random.random() < 0.5
        if wants_old:
            body["ReturnValues"] = "ALL_OLD"
        outcome, a = self.client.call("PutItem", body)
        if outcome == "ok":
            self.last[key] = [value, None]
        return value, outcome, a, ({"old": item_of(a.get("Attributes"))} if outcome == "ok" and wants_old else None)

    def cput(self, key, value):
        expected = (self.last.get(key) or [None])[0]
        body = {"TableName": self.table, "Item": {"pk": {"S": key}, "v": {"S": value}}}
        if expected is None:
            body["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            body.update(ConditionExpression="v = :e", ExpressionAttributeValues={":e": {"S": expected}})
        outcome, a = self.client.call("PutItem", body)
        if outcome == "ok":
            self.last[key] = [value, None]
        return [expected, value], outcome, a, None

    def add(self, key, _):
        delta = self.random.randrange(1, 100)
        outcome, a = self.client.call("UpdateItem", {"TableName": self.table, "Key": {"pk": {"S": key}}, "UpdateExpression": "ADD n :d",
                                                     "ExpressionAttributeValues": {":d": {"N": str(delta)}}, "ReturnValues": "UPDATED_NEW"})
        return delta, outcome, a, (int(a["Attributes"]["n"]["N"]) if outcome == "ok" else None)

    def delete(self, key):
        return self.client.call("DeleteItem", {"TableName": self.table, "Key": {"pk": {"S": key}}, "ReturnValues": "ALL_OLD"})

    def del_(self, key, _):
        outcome, a = self.delete(key)
        if outcome == "ok":
            self.last[key] = None
        return None, outcome, a, ({"old": item_of(a.get("Attributes"))} if outcome == "ok" else None)


setattr(Register, "del", Register.del_)


class Append:
    """Unique elements appended to a few lists, and strong reads of them."""

    def __init__(self, client, me, table, slots, random):
        self.client, self.me, self.table, self.slots, self.random = client, me, table, slots, random
        self.count = 0

    def step(self, seconds):
        key = f"{int(seconds // GENERATION_S)}-{self.random.randrange(self.slots)}"
        self.count += 1
        if self.random.random() < 0.55:
            return (key, "append", *self.append(key, f"{self.me}.{self.count}"))
        outcome, a = self.client.call("GetItem", {"TableName": self.table, "Key": {"pk": {"S": key}}, "ConsistentRead": True})
        return key, "read", None, outcome, a, (list_of(a.get("Item")) if outcome == "ok" else None)

    def append(self, key, element):
        wants_new = self.random.random() < 0.3
        outcome, a = self.client.call("UpdateItem", {
            "TableName": self.table, "Key": {"pk": {"S": key}}, "UpdateExpression": "SET l = list_append(if_not_exists(l, :none), :e)",
            "ExpressionAttributeValues": {":none": {"L": []}, ":e": {"L": [{"S": element}]}}, "ReturnValues": "ALL_NEW" if wants_new else "NONE"})
        return element, outcome, a, (list_of(a.get("Attributes")) if outcome == "ok" and wants_new else None)


WORKLOADS = {"register": Register, "append": Append}


def scan(client, table):
    """Every item of a table by strongly consistent scans: key -> item; raises if a page cannot be had."""
    items, start = {}, None
    while True:
        body = {"TableName": table, "ConsistentRead": True}
        if start:
            body["ExclusiveStartKey"] = start
        outcome, a = client.call("Scan", body)
        if outcome != "ok":
            raise RuntimeError(f"scan of {table}: {json.dumps(a)[:200]}")
        items.update((i["pk"]["S"], i) for i in a["Items"])
        start = a.get("LastEvaluatedKey")
        if not start:
            return items
