#!/usr/bin/env python3
"""The checkers must pass good histories and fail bad ones; each is written by hand, and random ones come from a model."""
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from check import append, history, register  # noqa: E402
from load import wide  # noqa: E402


def op(kind, argument, invoked, returned, outcome="ok", result=None, client="c"):
    return [client, "t", "k", kind, argument, invoked, returned, outcome, result]


def verdict(module, *records):
    return module.check(list(records)).ok


class Registers(unittest.TestCase):
    def good(self, *records):
        self.assertIs(verdict(register, *records), True)

    def bad(self, *records):
        self.assertIs(verdict(register, *records), False)

    def test_nothing_and_absence(self):
        self.good()
        self.good(op("get", None, 0, 1))

    def test_read_of_what_was_written(self):
        self.good(op("put", "a", 0, 1), op("get", None, 2, 3, result=["a", None]))

    def test_stale_read(self):
        self.bad(op("put", "a", 0, 1), op("put", "b", 2, 3), op("get", None, 4, 5, result=["a", None]))

    def test_writes_of_unknown_outcome_that_nobody_saw(self):
        """Forty of them do not make the search long, and the one that is needed is found all the same."""
        unknown = [op("put", f"u{i}", i, None, "unknown") for i in range(40)]
        seen = [op("put", "a", 100, 101), op("get", None, 102, 103, result=["a", None])]
        self.good(*unknown, *seen)
        self.bad(*unknown[:8], *seen, op("get", None, 104, 105, result=["never", None]))
        refused = op("cput", ["a", "c"], 104, 105, "cond")
        self.good(*seen, op("put", "b", 103, None, "unknown"), refused)
        self.bad(*seen, refused)

    def test_overlapping_read_may_see_either(self):
        for seen in ("a", "b"):
            self.good(op("put", "a", 0, 1), op("put", "b", 2, 6), op("get", None, 3, 5, result=[seen, None]))

    def test_reads_do_not_go_back(self):
        self.bad(op("put", "a", 0, 1), op("put", "b", 2, 10), op("get", None, 3, 4, result=["b", None]), op("get", None, 5, 6, result=["a", None]))

    def test_lost_acknowledged_write(self):
        self.bad(op("put", "a", 0, 1), op("get", None, 2, 3, result=None))

    def test_value_from_nowhere(self):
        self.bad(op("put", "a", 0, 1), op("get", None, 2, 3, result=["z", None]))

    def test_unknown_write_may_have_happened_or_not(self):
        unknown = op("put", "b", 2, 3, "unknown")
        for seen in ("a", "b"):
            self.good(op("put", "a", 0, 1), unknown, op("get", None, 4, 5, result=[seen, None]))

    def test_unknown_write_may_happen_late(self):
        self.good(op("put", "a", 0, 1), op("put", "b", 2, 3, "unknown"), op("get", None, 4, 5, result=["a", None]),
                  op("get", None, 6, 7, result=["b", None]))

    def test_unknown_write_happens_once(self):
        self.bad(op("put", "a", 0, 1), op("put", "b", 2, 3, "unknown"), op("get", None, 4, 5, result=["b", None]), op("put", "c", 6, 7),
                 op("get", None, 8, 9, result=["b", None]))

    def test_unknown_write_not_before_it_was_asked_for(self):
        self.bad(op("get", None, 0, 1, result=["b", None]), op("put", "b", 2, 3, "unknown"))

    def test_failed_write_did_not_happen(self):
        self.bad(op("put", "a", 0, 1, "fail"), op("get", None, 2, 3, result=["a", None]))

    def test_conditions(self):
        self.good(op("put", "a", 0, 1), op("cput", ["a", "b"], 2, 3), op("get", None, 4, 5, result=["b", None]))
        self.bad(op("put", "a", 0, 1), op("cput", ["x", "b"], 2, 3))
        self.good(op("put", "a", 0, 1), op("cput", ["x", "b"], 2, 3, "cond"))
        self.bad(op("put", "a", 0, 1), op("cput", ["a", "b"], 2, 3, "cond"))
        self.bad(op("put", "a", 0, 1), op("cput", [None, "b"], 2, 3))
        self.good(op("cput", [None, "b"], 2, 3))

    def test_two_conditional_writers_cannot_both_win(self):
        self.bad(op("put", "a", 0, 1), op("cput", ["a", "b"], 2, 5), op("cput", ["a", "c"], 3, 6))

    def test_refusal_explained_by_an_unknown_write(self):
        self.good(op("put", "a", 0, 1), op("put", "u", 2, 3, "unknown"), op("cput", ["a", "b"], 4, 5, "cond"))

    def test_counter(self):
        self.good(op("add", 5, 0, 1, result=5), op("add", 3, 2, 3, result=8), op("get", None, 4, 5, result=[None, 8]))
        self.bad(op("add", 5, 0, 1, result=5), op("add", 3, 2, 3, result=3))
        self.bad(op("add", 5, 0, 1, result=5), op("add", 3, 2, 3, result=8), op("get", None, 4, 5, result=[None, 11]))
        self.good(op("put", "a", 0, 1), op("add", 3, 2, 3, result=3), op("get", None, 4, 5, result=["a", 3]))

    def test_counter_doubled_by_a_repeat(self):
        self.bad(op("add", 5, 0, 1, "unknown"), op("get", None, 2, 3, result=[None, 10]))

    def test_delete_and_old_values(self):
        self.good(op("put", "a", 0, 1), op("del", None, 2, 3, result={"old": ["a", None]}), op("get", None, 4, 5))
        self.bad(op("put", "a", 0, 1), op("del", None, 2, 3, result={"old": None}))
        self.bad(op("put", "a", 0, 1), op("put", "b", 2, 3, result={"old": ["z", None]}))

    def test_says_where_it_sticks(self):
        v = register.check([op("put", "a", 0, 1), op("get", None, 2, 3, result=["z", None])])
        self.assertIn("none of these can follow", v.why)
        self.assertEqual(len(v.records), 2)

    def test_gives_up_instead_of_guessing(self):
        # Sixteen unknown additions of powers of two can make 65,536 sums; none makes the one read.
        unknown = [op("add", 1 << i, i, i + 1, "unknown") for i in range(40)]
        self.assertIsNone(verdict(register, *unknown, op("get", None, 50, 51, result=[None, 1 << 41])))


class Appends(unittest.TestCase):
    def good(self, *records):
        self.assertIs(verdict(append, *records), True)

    def bad(self, *records):
        self.assertIs(verdict(append, *records), False)

    def test_good(self):
        self.good(op("append", "a", 0, 1), op("append", "b", 2, 3, result=["a", "b"]), op("read", None, 4, 5, result=["a", "b"]))
        self.good(op("read", None, 0, 1))

    def test_lost(self):
        self.bad(op("append", "a", 0, 1), op("append", "b", 2, 3), op("read", None, 4, 5, result=["a"]))
        self.assertIn("lost", append.check([op("append", "a", 0, 1), op("read", None, 2, 3)]).why)

    def test_double(self):
        self.bad(op("append", "a", 0, 1, "unknown"), op("read", None, 4, 5, result=["a", "a"]))

    def test_reordered(self):
        self.bad(op("append", "a", 0, 1), op("append", "b", 2, 3), op("read", None, 4, 5, result=["b", "a"]))

    def test_reads_of_two_histories(self):
        self.bad(op("append", "a", 0, 9), op("append", "b", 0, 9), op("read", None, 1, 2, result=["a"]), op("read", None, 3, 9, result=["b", "a"]))

    def test_stale_read(self):
        self.bad(op("append", "a", 0, 1), op("append", "b", 2, 3), op("read", None, 4, 5, result=["a"]),
                 op("read", None, 6, 7, result=["a", "b"]))

    def test_read_from_the_future(self):
        self.bad(op("read", None, 0, 1, result=["a"]), op("append", "a", 2, 3))

    def test_failed_or_foreign_element(self):
        self.bad(op("append", "a", 0, 1, "fail"), op("read", None, 4, 5, result=["a"]))
        self.bad(op("read", None, 4, 5, result=["z"]))

    def test_unknown(self):
        unknown = op("append", "a", 0, 1, "unknown")
        self.good(unknown, op("read", None, 2, 3))
        self.good(unknown, op("read", None, 2, 3), op("read", None, 4, 5, result=["a"]))

    def test_eventual_read_is_old_and_never_wrong(self):
        appends = [op("append", "a", 0, 1), op("append", "b", 2, 3), op("read", None, 4, 5, result=["a", "b"])]
        for seen in (None, ["a"], ["a", "b"]):
            self.good(*appends, op("eread", None, 6, 7, result=seen))
        for seen in (["b"], ["b", "a"], ["a", "a"], ["z"], ["a", "b", "z"]):
            self.bad(*appends, op("eread", None, 6, 7, result=seen))

    def test_answer_of_an_append_shows_it_last(self):
        self.bad(op("append", "a", 0, 1, result=["a", "b"]), op("append", "b", 0, 5))


def simulated(seed, lie):
    """A history of one real register with clients at once; lie: one read answers what was there before."""
    rng, state, before, records, busy = random.Random(seed), None, None, [], {}
    reads = 0
    for t in range(0, 4000, 10):
        client = rng.randrange(5)
        if client in busy:
            kind, argument, invoked = busy.pop(client)
            old, result, outcome = state, None, "ok"
            if kind == "put":
                state = [argument, None]
            elif kind == "add":
                state = [state[0] if state else None, (state[1] if state and state[1] else 0) + argument]
                result = state[1]
            elif kind == "cput":
                met = state is not None and state[0] == argument[0] if argument[0] else state is None
                outcome = "ok" if met else "cond"
                state = [argument[1], None] if met else state
            elif kind == "get":
                reads += 1
                result = state
                if lie and reads == 40:
                    result = before
            before = old if old != state else before
            if rng.random() < 0.03 and kind != "get":
                outcome, result = "unknown", None
            records.append(op(kind, argument, invoked, t + rng.randrange(9) + 1, outcome, result, f"c{client}"))
        else:
            kind = rng.choice(["put", "get", "get", "add", "cput"])
            argument = {"put": f"v{t}", "get": None, "add": rng.randrange(1, 9), "cput": [state[0] if state else None, f"v{t}"]}[kind]
            busy[client] = (kind, argument, t)
    return records


class Simulated(unittest.TestCase):
    def test_good_histories_pass(self):
        for seed in range(30):
            self.assertIs(register.check(simulated(seed, False)).ok, True, f"seed {seed}")

    def test_a_lie_is_found_unless_the_times_excuse_it(self):
        found = sum(register.check(simulated(seed, True)).ok is False for seed in range(30))
        self.assertGreater(found, 15)

    def test_all_keys_are_judged(self):
        lost = [["c", "t", "other", "append", "a", 0, 1, "ok", None], ["c", "t", "other", "read", None, 2, 3, "ok", None]]
        count, bad = history.check(simulated(1, False) + lost, processes=1)
        self.assertEqual((count, [(b[0], b[1]) for b in bad]), (2, [("t", "other")]))

    def test_a_scan_that_repeats_an_item_is_found(self):
        repeated = [["c", "t", "other", "put", "a", 0, 1, "ok", None], ["c", "t", "other", "repeated", None, 2, 3, "ok", None]]
        count, bad = history.check(simulated(1, False) + repeated, processes=1)
        self.assertEqual((count, [(b[0], b[1]) for b in bad]), (2, [("t", "other")]))


class Answers:
    """A client whose answers are written down beforehand."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def call(self, operation, body):
        self.asked.append((operation, dict(body)))
        return self.answers.pop(0)


def item(key, value):
    return {"pk": {"S": key}, "v": {"S": value}}


class Wide(unittest.TestCase):
    """What answers of several items mean to the judges."""

    @staticmethod
    def rows(rows):
        return [(r[0], r[1], r[2], r[3], r[5]) for r in rows]

    def test_scan(self):
        first = ("ok", {"Items": [item("0-1", "a"), item("old", "x")], "LastEvaluatedKey": {"pk": {"S": "old"}}})
        client = Answers(first, ("ok", {"Items": [item("0-2", "b"), item("0-1", "a")]}))
        rows = wide.Scanner(client, "c", "register-0", 3, random.Random(1)).scan(["0-0", "0-1", "0-2"])
        self.assertEqual(self.rows(rows), [("0-1", "get", None, "ok", ["a", None]), ("0-2", "get", None, "ok", ["b", None]),
                                                 ("0-1", "repeated", None, "ok", None), ("0-0", "get", None, "ok", None)])
        self.assertEqual(client.asked[1][1]["ExclusiveStartKey"], {"pk": {"S": "old"}})
        self.assertLessEqual(rows[3][6], rows[0][6])     # absent: at some moment of the whole scan
        self.assertGreaterEqual(rows[3][7], rows[2][7])

    def test_scan_that_fails_says_nothing_of_what_it_did_not_see(self):
        rows = wide.Scanner(Answers(("unknown", {})), "c", "append-0", 3, random.Random(1)).scan(["0-0", "0-1"])
        self.assertEqual(self.rows(rows), [("0-0", "read", None, "unknown", None)])

    def test_batches(self):
        left = {"UnprocessedItems": {"t": [{"PutRequest": {"Item": item("k1", "v")}}]}}
        work = wide.WideRegister(Answers(("ok", left)), "c", "t", 3, random.Random(1))
        self.assertEqual([r[3] for r in work.batch_write(["k0", "k1", "k2"], "v")], ["ok", "unknown", "ok"])
        got = {"Responses": {"t": [item("k0", "v")]}, "UnprocessedKeys": {"t": {"Keys": [{"pk": {"S": "k1"}}]}}}
        work = wide.WideRegister(Answers(("ok", got)), "c", "t", 3, random.Random(1))
        self.assertEqual([(r[0], r[5]) for r in work.batch_get(["k0", "k1", "k2"])], [("k0", ["v", None]), ("k2", None)])


if __name__ == "__main__":
    unittest.main()
