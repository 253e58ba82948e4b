"""The rest of the API, in the terms of the judges: queries, batches and scans are strong reads or plain writes of each item they touch.

A step that touches several items returns a list of rows as operations.py has them; a row of a scan has its own times behind it.

  eread      an eventually consistent read of a list: some beginning of it, however old
  repeated   a scan returned the item twice
"""
import time

from load.operations import GENERATION_S, Append, Register, item_of, list_of

SCAN_REST_S = 0.5


class WideRegister(Register):
    SHARE = 0.35  # of queries and batches

    def step(self, seconds):
        if self.random.random() >= self.SHARE:
            return super().step(seconds)
        keys = [f"{int(seconds // GENERATION_S)}-{slot}" for slot in self.random.sample(range(self.slots), min(3, self.slots))]
        dice = self.random.random()
        self.count += 1
        return self.query(keys[0]) if dice < 0.4 else self.batch_get(keys) if dice < 0.7 else self.batch_write(keys, f"{self.me}.{self.count}")

    def query(self, key):
        outcome, a = self.client.call("Query", {"TableName": self.table, "ConsistentRead": True, "KeyConditionExpression": "pk = :p",
                                                "ExpressionAttributeValues": {":p": {"S": key}}})
        return key, "get", None, outcome, a, (item_of((a["Items"] or [None])[0]) if outcome == "ok" else None)

    def batch_get(self, keys):
        asked = {"Keys": [{"pk": {"S": k}} for k in keys], "ConsistentRead": True}
        outcome, a = self.client.call("BatchGetItem", {"RequestItems": {self.table: asked}})
        if outcome != "ok":
            return [(k, "get", None, outcome, a, None) for k in keys]
        found = {i["pk"]["S"]: i for i in a["Responses"].get(self.table, [])}
        left = {k["pk"]["S"] for k in a["UnprocessedKeys"].get(self.table, {}).get("Keys", [])}
        return [(k, "get", None, "ok", a, item_of(found.get(k))) for k in keys if k not in left]

    def batch_write(self, keys, value):
        """Puts, and a deletion of the last one now and then. What is sent back as unprocessed may have happened."""
        deleted = keys[-1:] if self.random.random() < 0.2 else []
        asked = [{"DeleteRequest": {"Key": {"pk": {"S": k}}}} if k in deleted else {"PutRequest": {"Item": {"pk": {"S": k}, "v": {"S": value}}}}
                 for k in keys]
        outcome, a = self.client.call("BatchWriteItem", {"RequestItems": {self.table: asked}})
        left = {self.key_of(r) for r in a.get("UnprocessedItems", {}).get(self.table, [])} if outcome == "ok" else set()
        rows = []
        for k in keys:
            mine = "unknown" if k in left else outcome
            if mine == "ok":
                self.last[k] = None if k in deleted else [value, None]
            rows.append((k, "del" if k in deleted else "put", None if k in deleted else value, mine, a, None))
        return rows

    @staticmethod
    def key_of(request):
        return (request.get("DeleteRequest", {}).get("Key") or request["PutRequest"]["Item"])["pk"]["S"]


class WideAppend(Append):
    SHARE = 0.2  # of eventually consistent reads

    def step(self, seconds):
        if self.random.random() >= self.SHARE:
            return super().step(seconds)
        key = f"{int(seconds // GENERATION_S)}-{self.random.randrange(self.slots)}"
        outcome, a = self.client.call("GetItem", {"TableName": self.table, "Key": {"pk": {"S": key}}})
        return key, "eread", None, outcome, a, (list_of(a.get("Item")) if outcome == "ok" else None)


class Scanner:
    """Strongly consistent scans in small pages over all partitions, however many there are by now: each is a read of every key of this
    generation and the last. A key that was on a page was read while that page was fetched, one on no page was absent at some moment of the scan."""

    def __init__(self, client, me, table, slots, random):
        self.client, self.table, self.slots, self.random = client, table, slots, random
        self.kind, self.value_of = ("read", list_of) if "append" in table else ("get", item_of)
        self.next = 0.0

    def step(self, seconds):
        time.sleep(max(0.0, self.next - time.monotonic()))
        self.next = time.monotonic() + SCAN_REST_S
        generation = int(seconds // GENERATION_S)
        return self.scan([f"{g}-{slot}" for g in (generation, generation - 1) if g >= 0 for slot in range(self.slots)])

    def scan(self, keys):
        rows, seen, began = [], set(), time.monotonic_ns()
        body = {"TableName": self.table, "ConsistentRead": True, "Limit": self.random.randrange(5, 60)}
        while True:
            asked = time.monotonic_ns()
            outcome, a = self.client.call("Scan", body)
            times = (asked, time.monotonic_ns())
            if outcome != "ok":
                return [*rows, (keys[0], self.kind, None, outcome, a, None, *times)]
            for item in a["Items"]:
                key = item["pk"]["S"]
                if key in seen:
                    rows.append((key, "repeated", None, "ok", a, None, *times))
                elif key in keys:
                    rows.append((key, self.kind, None, "ok", a, self.value_of(item), *times))
                seen.add(key)
            if not a.get("LastEvaluatedKey"):
                break
            body["ExclusiveStartKey"] = a["LastEvaluatedKey"]
        ended = time.monotonic_ns()
        return rows + [(k, self.kind, None, "ok", a, None, began, ended) for k in keys if k not in seen]


WORKLOADS = {"register": WideRegister, "append": WideAppend, "scan": Scanner}
