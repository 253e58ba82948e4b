"""A provisioned table is held to its limit across two routers together."""
import threading
import time

from botocore.exceptions import ClientError

from conftest import make_table

WCU, OFFERED, SECONDS = 50, 500, 12


def test_two_routers_share_one_limit(cluster):
    make_table(cluster.client(), "fifty", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 50, "WriteCapacityUnits": WCU})
    accepted, refused, lock = [], [], threading.Lock()
    stop = time.time() + SECONDS

    def drive(me):
        db = cluster.client(router=me % 2, retries={"total_max_attempts": 1, "mode": "standard"})
        n = 0
        while time.time() < stop:
            n += 1
            started = time.time()
            try:
                db.put_item(TableName="fifty", Item={"pk": {"S": f"{me}-{n}"}})
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
    warm = stop - SECONDS + 3
    rate = len([t for t in accepted if t > warm]) / (SECONDS - 3)
    offered = (len(accepted) + len(refused)) / SECONDS
    print(f"offered {offered:.0f}/s, accepted {rate:.1f}/s of {WCU} WCU")
    assert offered > 3 * WCU
    assert 0.9 * WCU <= rate <= 1.1 * WCU
