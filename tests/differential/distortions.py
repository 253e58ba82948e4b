"""Deliberate faults of the model: a run with one of them must find a difference, else the run proves nothing."""
import math

import conditions
import documents
import indexes
import model
import updates
import values


def between():
    def holds_between(item, a, low, high):
        v = conditions.value(a, item)
        return conditions.compare(">=", v, conditions.value(low, item)) and conditions.compare("<", v, conditions.value(high, item))
    conditions.HOLDS["between"] = holds_between


def missing_differs():
    right = conditions.compare
    conditions.compare = lambda op, a, b: False if op == "<>" and a is None else right(op, a, b)


def remove_shifts():
    """REMOVE of several list elements by the indexes of the list as it shrinks."""
    def take(self, path):
        at, last = self.parent(path), path[-1]
        if isinstance(at, list) and last < len(at):
            del at[last]
            return True
        return right(self, path)
    right, documents.Draft.take = documents.Draft.take, take


def write_units_of_new():
    model.write_units = lambda *items: max(1, math.ceil(values.item_size(items[-1] or {}) / 1024))


def list_elements_weigh_nothing():
    right = values.size
    values.size = lambda v: right(v) - len(v[1]) if v[0] == "L" else right(v)


def sets_of_another_type_unite():
    right = updates.added
    updates.added = lambda old, value: value if old is not None and old[0] != value[0] else right(old, value)


def moving_in_an_index_is_free():
    right = indexes.Index.write_units

    def write_units(self, old, new, table_keys):
        both = self.row(old, table_keys) is not None and self.row(new, table_keys) is not None
        return min(1, right(self, old, new, table_keys)) if both else right(self, old, new, table_keys)
    indexes.Index.write_units = write_units


def indexes_hold_half_keys():
    """An item stands in an index as soon as it has one of its key attributes."""
    indexes.Index.row = lambda self, item, table_keys: item if item and any(n in item for n in self.key_names()) else None


DISTORTIONS = {f.__name__.replace("_", "-"): f for f in (between, missing_differs, remove_shifts, write_units_of_new, list_elements_weigh_nothing,
                                                         sets_of_another_type_unite, moving_in_an_index_is_free, indexes_hold_half_keys)}
