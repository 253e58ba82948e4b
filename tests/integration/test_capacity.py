"""A provisioned table is held to its limit across two routers together."""
import threading
import time

from botocore.exceptions import ClientError

from conftest import make_table

WCU, OFFERED, SECONDS = 100, 800, 18
OVERDRAWN_S = 9  # until what the last puts overdrew has flowed in again
SAVED_S = 300  # unused throughput that a table may use later


def spend_what_is_saved(cluster, table):
    """Puts of 400 units over both routers until each refuses: then only what flows in is left."""
    spent = 0
    for router in (0, 1, 0, 1):
        db = cluster.client(router=router, retries={"total_max_attempts": 1, "mode": "standard"})
        for n in range(2 * SAVED_S * WCU // 400):
            try:
                db.put_item(TableName=table, Item={"pk": {"S": f"saved-{n}"}, "v": {"S": "x" * 409_000}})
                spent += 400
            except ClientError as e:
                assert e.response["Error"]["Code"] == "ProvisionedThroughputExceededException", e
                break
    return spent


def test_unused_throughput_is_saved_up(cluster):
    make_table(cluster.client(), "five", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    started = time.time()
    spent = spend_what_is_saved(cluster, "five")
    inflow, overdrawn = 5 * (time.time() - started), 2 * 500 + 2 * 400  # each router may overdraw once
    assert SAVED_S * 5 / 2 - 400 <= spent <= SAVED_S * 5 + inflow + overdrawn


def test_two_routers_share_one_limit(cluster):
    make_table(cluster.client(), "shared", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 50, "WriteCapacityUnits": WCU})
    spend_what_is_saved(cluster, "shared")
    accepted, refused, lock = [], [], threading.Lock()
    stop = time.time() + SECONDS

    def drive(me):
        db = cluster.client(router=me % 2, retries={"total_max_attempts": 1, "mode": "standard"})
        n = 0
        while time.time() < stop:
            n += 1
            started = time.time()
            try:
                db.put_item(TableName="shared", Item={"pk": {"S": f"{me}-{n}"}})
                with lock:
                    accepted.append(started)
            except ClientError as e:
                assert e.response["Error"]["Code"] == "ProvisionedThroughputExceededException", e
                with lock:
                    refused.append(started)
            time.sleep(max(0, 8 / OFFERED - (time.time() - started)))

    threads = [threading.Thread(target=drive, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    warm = stop - SECONDS + OVERDRAWN_S
    rate = len([t for t in accepted if t > warm]) / (SECONDS - OVERDRAWN_S)
    offered = (len(accepted) + len(refused)) / SECONDS
    print(f"offered {offered:.0f}/s, accepted {rate:.1f}/s of {WCU} WCU")
    assert offered > 3 * WCU
    assert 0.9 * WCU <= rate <= 1.1 * WCU
