"""Bits to flip in a cluster's files. Offsets come from the tables in lib/engine/btree/format.h and lib/engine/wal/wal.h."""
import struct

PAGE_BYTES = 16384
LEAF = 1


def flip(path, offset):
    """Turn one bit of a file over, in place, as rot does."""
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ 0x10]))


def tree_path(cluster, node, gid):
    return cluster.data / node / f"replica-{gid:016x}.tree"


def newest_root(data):
    supers = [data[i * PAGE_BYTES:(i + 1) * PAGE_BYTES] for i in range(4)]
    supers = [s for s in supers if s[4:8] == b"TCBS"]
    newest = max(supers, key=lambda s: struct.unpack_from("<Q", s, 24)[0])
    return struct.unpack_from("<I", newest, 36)[0]


def live_leaves(data, page):
    """Numbers of the leaves below a page, in key order."""
    at = page * PAGE_BYTES
    assert data[at + 4:at + 8] == b"TCBP", f"page {page} is no page"
    count = struct.unpack_from("<H", data, at + 30)[0]
    if data[at + 28] == LEAF:
        return [page] if count else []
    leaves = []
    for i in range(count):
        cell = struct.unpack_from("<H", data, at + 48 + 8 * i + 4)[0]
        leaves += live_leaves(data, struct.unpack_from("<I", data, at + cell)[0])
    return leaves


def flip_in_leaf(path):
    """One bit in an item of the middle leaf of the newest checkpoint; the page's number."""
    data = path.read_bytes()
    root = newest_root(data)
    assert root, f"{path} has no checkpoint with items yet"
    leaves = live_leaves(data, root)
    page = leaves[len(leaves) // 2]
    heap = struct.unpack_from("<H", data, page * PAGE_BYTES + 32)[0]
    flip(path, page * PAGE_BYTES + (heap + PAGE_BYTES) // 2)
    return page


def log_entries(wal, gid):
    """(index, path, offset of the body, bytes of the body) of every record of a group's entries in a WAL folder."""
    for path in sorted(wal.glob("seg-*")):
        data = path.read_bytes()
        at = data.find(b"TREC")
        while at >= 0:
            length, group, index = struct.unpack_from("<IQQ", data, at + 12)
            kind = struct.unpack_from("<H", data, at + 56)[0]
            if at % 8 == 0 and group == gid and 0 < kind < 0x100:
                yield index, path, at + 64, length
            at = data.find(b"TREC", at + 4)
