"""Tables are described, changed, tagged and made ready as the service does it, over boto3 and raw HTTP."""
import concurrent.futures
import json
import os
import pathlib
import re
import time
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest

from conftest import KEY, REGION, SECRET, make_table, start, wait_for

GOLDEN = pathlib.Path(__file__).parent / "golden"


def call(cluster, op, body, router=0):
    """(status, body) of a signed request, byte for byte."""
    request = botocore.awsrequest.AWSRequest("POST", cluster.endpoints[router] + "/", data=json.dumps(body), headers={
        "X-Amz-Target": f"DynamoDB_20120810.{op}", "Content-Type": "application/x-amz-json-1.0"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(KEY, SECRET), "dynamodb", REGION).add_auth(request)
    wire = urllib.request.Request(request.url, data=request.body.encode() if isinstance(request.body, str) else request.body,
                                  headers=dict(request.headers), method="POST")
    try:
        with urllib.request.urlopen(wire, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def refused(cluster, op, body, error, text):
    status, answer = call(cluster, op, body)
    answer = json.loads(answer)
    assert status == 400 and answer["__type"].split("#")[1] == error, answer
    message = answer.get("message", answer.get("Message"))
    assert message.startswith(text), message


def until_active(db, name, seconds=20):
    return wait_for(f"{name} is ACTIVE", seconds, lambda: (t := db.describe_table(TableName=name)["Table"])["TableStatus"] == "ACTIVE" and t)


def changed(db, name, **what):
    """UpdateTable, and the description once it is ACTIVE again."""
    db.update_table(TableName=name, **what)
    return until_active(db, name)


def arn(name):
    return f"arn:aws:dynamodb:{REGION}:000000000000:table/{name}"


def normal(text):
    """What differs from run to run, by what it is."""
    text = re.sub(r'"TableId":"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"', '"TableId":"UUID"', text)
    return re.sub(r'(DateTime":)\d{10}(\.\d{1,3})?', r"\1TIME", text)


def golden(cluster, name, table):
    """DescribeTable, byte for byte; TERCET_REWRITE=1 writes the files anew."""
    status, text = call(cluster, "DescribeTable", {"TableName": table})
    assert status == 200, text
    text = normal(text)
    path = GOLDEN / f"{name}.json"
    if os.environ.get("TERCET_REWRITE"):
        path.write_text(text + "\n")
    assert text + "\n" == path.read_text()


# ---- DescribeTable

def test_describe_provisioned(cluster, db):
    make_table(db, "g-provisioned", sort="N", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
    golden(cluster, "describe_provisioned", "g-provisioned")
    changed(db, "g-provisioned", ProvisionedThroughput={"ReadCapacityUnits": 4, "WriteCapacityUnits": 7})
    golden(cluster, "describe_provisioned_changed", "g-provisioned")
    changed(db, "g-provisioned", BillingMode="PAY_PER_REQUEST")
    changed(db, "g-provisioned", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 2, "WriteCapacityUnits": 2})
    wait_for("it is ready for an on-demand table's throughput", 60,
             lambda: db.describe_table(TableName="g-provisioned")["Table"]["WarmThroughput"]["Status"] == "ACTIVE")
    golden(cluster, "describe_provisioned_again", "g-provisioned")


def test_describe_on_demand(cluster, db):
    make_table(db, "g-on-demand")
    golden(cluster, "describe_on_demand", "g-on-demand")
    db.update_table(TableName="g-on-demand", OnDemandThroughput={"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20})
    changed(db, "g-on-demand", TableClass="STANDARD_INFREQUENT_ACCESS")
    changed(db, "g-on-demand", DeletionProtectionEnabled=True)
    golden(cluster, "describe_on_demand_set", "g-on-demand")


def test_describe_by_arn_and_while_it_is_made(cluster, db):
    answer = db.create_table(TableName=arn("g-arn"), AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "B"}],
                             KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST")["TableDescription"]
    assert answer["TableName"] == "g-arn" and answer["TableArn"] == arn("g-arn") and answer["TableStatus"] == "CREATING"
    assert "WarmThroughput" not in answer and "LastUpdateToPayPerRequestDateTime" not in answer["BillingModeSummary"]
    until_active(db, arn("g-arn"))
    db.put_item(TableName=arn("g-arn"), Item={"k": {"B": b"x"}})
    assert db.scan(TableName=arn("g-arn"), ConsistentRead=True)["Count"] == 1
    assert db.batch_get_item(RequestItems={arn("g-arn"): {"Keys": [{"k": {"B": b"x"}}]}})
    assert db.delete_table(TableName=arn("g-arn"))["TableDescription"]["TableStatus"] == "DELETING"


def test_definitions_are_told_in_order_and_keep_their_types(cluster, db):
    """As clients' documentation shows them; what a request says anew of an attribute that is defined, or of one that is no key, is nothing."""
    of = lambda *pairs: [{"AttributeName": n, "AttributeType": t} for n, t in pairs]  # noqa: E731
    index = lambda name, *keys: {"IndexName": name, "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": [  # noqa: E731
        {"AttributeName": k, "KeyType": "HASH" if i == 0 else "RANGE"} for i, k in enumerate(keys)]}
    answer = db.create_table(TableName="g-defined", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=of(("z", "S"), ("m", "B"), ("a", "N")),
                             KeySchema=index("", "z")["KeySchema"], GlobalSecondaryIndexes=[index("one", "m", "a")])["TableDescription"]
    assert answer["AttributeDefinitions"] == of(("a", "N"), ("m", "B"), ("z", "S"))
    until_active(db, "g-defined")
    answer = changed(db, "g-defined", AttributeDefinitions=of(("q", "S"), ("z", "N"), ("unused", "S")),
                     GlobalSecondaryIndexUpdates=[{"Create": index("two", "q", "z")}])
    assert answer["AttributeDefinitions"] == of(("a", "N"), ("m", "B"), ("q", "S"), ("z", "S"))
    db.put_item(TableName="g-defined", Item={"z": {"S": "x"}, "q": {"S": "y"}})
    for ask in (db.describe_contributor_insights, lambda **k: db.update_contributor_insights(ContributorInsightsAction="DISABLE", **k)):
        said = ask(TableName="g-defined", IndexName="one")
        assert (said["TableName"], said["IndexName"], said["ContributorInsightsStatus"]) == ("g-defined", "one", "DISABLED")
        with pytest.raises(db.exceptions.ResourceNotFoundException):
            ask(TableName="g-defined", IndexName="never")
    answer = changed(db, "g-defined", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "one"}}])
    assert answer["AttributeDefinitions"] == of(("q", "S"), ("z", "S"))


def test_items_and_bytes_are_counted(cluster, db):
    make_table(db, "g-counted")
    for i in range(25):
        db.put_item(TableName="g-counted", Item={"pk": {"S": f"{i:04}"}, "v": {"S": "x" * 94}})
    counted = wait_for("25 items are counted", 100, lambda: (t := db.describe_table(TableName="g-counted")["Table"])["ItemCount"] == 25 and t)
    assert 25 * 101 <= counted["TableSizeBytes"] <= 25 * 140  # as stored, with the storage key
    answer = db.update_table(TableName="g-counted", DeletionProtectionEnabled=False)["TableDescription"]
    assert (answer["ItemCount"], answer["TableSizeBytes"]) == (25, counted["TableSizeBytes"])
    for i in range(20):
        db.delete_item(TableName="g-counted", Key={"pk": {"S": f"{i:04}"}})
    wait_for("5 are left", 100, lambda: db.describe_table(TableName="g-counted")["Table"]["ItemCount"] == 5)


# ---- UpdateTable, DeleteTable

def test_one_change_at_a_time(cluster, db, table):
    values = "One or more parameter values were invalid: "
    refused(cluster, "UpdateTable", {"TableName": table}, "ValidationException", "At least one of ProvisionedThroughput")
    refused(cluster, "UpdateTable", {"TableName": table, "DeletionProtectionEnabled": True, "BillingMode": "PAY_PER_REQUEST"},
            "ValidationException", values + "DeletionProtection modification must be the only operation in the request")
    refused(cluster, "UpdateTable", {"TableName": "no-such-table", "DeletionProtectionEnabled": True}, "ResourceNotFoundException",
            "Requested resource not found: Table: no-such-table not found")
    refused(cluster, "UpdateTable", {"TableName": table, "BillingMode": "PROVISIONED"}, "ValidationException",
            values + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    refused(cluster, "UpdateTable", {"TableName": table, "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            "ValidationException", values + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
    assert db.update_table(TableName=table, BillingMode="PAY_PER_REQUEST")["TableDescription"]["TableStatus"] == "UPDATING"
    until_active(db, table)


def test_deletion_protection(cluster, db, table):
    assert db.update_table(TableName=table, DeletionProtectionEnabled=True)["TableDescription"]["TableStatus"] == "ACTIVE"
    refused(cluster, "DeleteTable", {"TableName": table}, "ValidationException",
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
    db.update_table(TableName=table, DeletionProtectionEnabled=False)
    db.delete_table(TableName=table)
    wait_for("it is gone", 20, lambda: call(cluster, "DescribeTable", {"TableName": table})[0] == 400)
    refused(cluster, "DeleteTable", {"TableName": table}, "ResourceNotFoundException", f"Requested resource not found: Table: {table} not found")


def test_tables_that_exist_or_are_busy(cluster, db, table):
    body = {"TableName": table, "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    refused(cluster, "CreateTable", body, "ResourceInUseException", f"Table already exists: {table}")
    body["TableName"] = table + "-2"
    assert call(cluster, "CreateTable", body)[0] == 200
    status, text = call(cluster, "DeleteTable", {"TableName": body["TableName"]})
    assert status == 200 or (status == 400 and "ResourceInUseException" in text and "Table is being created" in text)


def test_decreases_of_throughput(cluster, db):
    make_table(db, "u-decreases", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 10})
    for left in (9, 8, 7, 6):
        today = changed(db, "u-decreases", ProvisionedThroughput={"ReadCapacityUnits": left, "WriteCapacityUnits": left})["ProvisionedThroughput"]
    assert today["NumberOfDecreasesToday"] == 4 and "LastDecreaseDateTime" in today and "LastIncreaseDateTime" not in today
    refused(cluster, "UpdateTable", {"TableName": "u-decreases", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 50}},
            "LimitExceededException", "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day.")
    refused(cluster, "UpdateTable", {"TableName": "u-decreases", "ProvisionedThroughput": {"ReadCapacityUnits": 6, "WriteCapacityUnits": 6}},
            "ValidationException", "The provisioned throughput for the table will not change. The requested value equals the current value. "
            "Current ReadCapacityUnits provisioned for the table: 6. Requested ReadCapacityUnits: 6.")
    assert changed(db, "u-decreases", ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 7})["ProvisionedThroughput"]["ReadCapacityUnits"] == 7


def test_limits_of_units(cluster, db):
    make_table(db, "u-limits")
    most = db.describe_limits()["TableMaxReadCapacityUnits"]
    for member, name in (("MaxReadRequestUnits", "TableMaxReadCapacityUnits"), ("MaxWriteRequestUnits", "TableMaxWriteCapacityUnits")):
        db.update_table(TableName="u-limits", OnDemandThroughput={member: most})
        refused(cluster, "UpdateTable", {"TableName": "u-limits", "OnDemandThroughput": {member: most + 1}}, "LimitExceededException",
                f"Subscriber limit exceeded: Requested {member} for OnDemandThroughput for table exceeds {name} of the account in region {REGION}")
    refused(cluster, "UpdateTable", {"TableName": "u-limits", "WarmThroughput": {"ReadUnitsPerSecond": most + 1}}, "LimitExceededException",
            "Subscriber limit exceeded: Requested ReadUnitsPerSecond for WarmThroughput for table exceeds TableMaxReadCapacityUnits")
    refused(cluster, "CreateTable", {"TableName": "u-limits-2", "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                                     "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                                     "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": most + 1}}, "LimitExceededException",
            f"The requested WriteCapacityUnits, {most + 1}, is above the per table maximum for the account in {REGION}. Per table maximum: {most}.")


def test_table_class_changes_twice_a_month(cluster, db, table):
    assert "TableClassSummary" not in db.describe_table(TableName=table)["Table"]
    assert changed(db, table, TableClass="STANDARD_INFREQUENT_ACCESS")["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    summary = changed(db, table, TableClass="STANDARD")["TableClassSummary"]
    assert summary["TableClass"] == "STANDARD" and "LastUpdateDateTime" in summary
    refused(cluster, "UpdateTable", {"TableName": table, "TableClass": "STANDARD_INFREQUENT_ACCESS"}, "LimitExceededException",
            "Subscriber limit exceeded: Updates to TableClass are limited to 2 times in 30 day(s).")


# ---- maxima, warm throughput

def test_maxima_of_an_on_demand_table(cluster, db, table):
    once = cluster.client(retries={"mode": "standard", "total_max_attempts": 1})
    assert db.update_table(TableName=table, OnDemandThroughput={"MaxWriteRequestUnits": 5})["TableDescription"]["TableStatus"] == "ACTIVE"
    assert db.update_table(TableName=table, OnDemandThroughput={"MaxReadRequestUnits": 7})["TableDescription"]["OnDemandThroughput"] == {
        "MaxReadRequestUnits": 7, "MaxWriteRequestUnits": 5}
    taken, throttled, began = 0, [], time.time()
    while time.time() - began < 5:
        try:
            once.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": str(taken)}})
            taken += 1
        except botocore.exceptions.ClientError as e:
            throttled.append(e.response["Error"])
    # Five seconds of five units, what the bucket held, and what one request may overdraw.
    assert 20 <= taken <= 40, taken
    assert throttled[0] == {"Code": "ThrottlingException", "Message": "Throughput exceeds the maximum OnDemandThroughput configured on table or index"}
    gone = db.update_table(TableName=table, OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1})["TableDescription"]
    assert gone["OnDemandThroughput"] == {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}
    assert "OnDemandThroughput" not in db.describe_table(TableName=table)["Table"]
    for i in range(100):
        db.put_item(TableName=table, Item={"pk": {"S": "b"}, "sk": {"S": str(i)}})
    refused(cluster, "UpdateTable", {"TableName": table, "OnDemandThroughput": {"MaxReadRequestUnits": 0}}, "ValidationException",
            "One or more parameter values were invalid: Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range")


def groups(cluster, table):
    return {r["gid"] for _, r in cluster.replicas(table)}


def test_warm_throughput_of_a_new_table(cluster, db):
    make_table(db, "w-new", WarmThroughput={"ReadUnitsPerSecond": 15000, "WriteUnitsPerSecond": 6000})
    assert db.describe_table(TableName="w-new")["Table"]["WarmThroughput"] == {
        "ReadUnitsPerSecond": 15000, "WriteUnitsPerSecond": 6000, "Status": "ACTIVE"}
    assert len(groups(cluster, "w-new")) == 6


def test_warm_throughput_splits_a_table(cluster, db):
    make_table(db, "w-grown")
    for i in range(200):
        db.put_item(TableName="w-grown", Item={"pk": {"S": str(i)}})
    answer = db.update_table(TableName="w-grown", WarmThroughput={"WriteUnitsPerSecond": 7000})["TableDescription"]
    assert answer["TableStatus"] == "ACTIVE" and answer["WarmThroughput"] == {
        "ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "UPDATING"}
    warm = wait_for("the table has seven partitions", 90,
                    lambda: (w := db.describe_table(TableName="w-grown")["Table"]["WarmThroughput"])["Status"] == "ACTIVE" and w)
    assert warm == {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 7000, "Status": "ACTIVE"}
    assert db.scan(TableName="w-grown", ConsistentRead=True)["Count"] == 200
    refused(cluster, "UpdateTable", {"TableName": "w-grown", "WarmThroughput": {"WriteUnitsPerSecond": 6999}}, "ValidationException",
            "One or more parameter values were invalid: Requested WriteUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput")
    assert db.update_table(TableName="w-grown", WarmThroughput={"WriteUnitsPerSecond": 7000})["TableDescription"]["WarmThroughput"]["Status"] == "ACTIVE"


def test_a_merge_by_order_is_not_undone(cluster, db):
    """What an operator merged stays merged while nobody asks for more."""
    make_table(db, "w-merged", WarmThroughput={"WriteUnitsPerSecond": 5000})
    left, right = sorted(groups(cluster, "w-merged"))[1:3]
    cluster.tercet("merge", str(left), str(right), "--data", cluster.data)
    said = wait_for("the merge is on record", 60,
                    lambda: (w := db.describe_table(TableName="w-merged")["Table"]["WarmThroughput"])["WriteUnitsPerSecond"] == 4000 and w)
    assert said == {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"}
    changed(db, "w-merged", BillingMode="PAY_PER_REQUEST")
    time.sleep(3)
    assert db.describe_table(TableName="w-merged")["Table"]["WarmThroughput"] == said


# ---- tags

def tags_of(db, name):
    return {t["Key"]: t["Value"] for t in db.list_tags_of_resource(ResourceArn=arn(name))["Tags"]}


def test_tags(cluster, db):
    make_table(db, "tagged", Tags=[{"Key": "team", "Value": "a"}, {"Key": "empty", "Value": ""}])
    assert tags_of(db, "tagged") == {"team": "a", "empty": ""}
    assert call(cluster, "TagResource", {"ResourceArn": arn("tagged"), "Tags": [{"Key": "team", "Value": "b"}]}) == (200, "")
    assert call(cluster, "UntagResource", {"ResourceArn": arn("tagged"), "TagKeys": ["empty", "never"]}) == (200, "")
    assert tags_of(db, "tagged") == {"team": "b"}
    fifty = [{"Key": f"k{i:02}", "Value": "v" * 256} for i in range(50)]
    refused(cluster, "TagResource", {"ResourceArn": arn("tagged"), "Tags": fifty}, "ValidationException",
            "Number of Tags exceed the current limit for the provided ResourceArn")
    assert tags_of(db, "tagged") == {"team": "b"}
    db.tag_resource(ResourceArn=arn("tagged"), Tags=fifty[:49])
    answer = db.list_tags_of_resource(ResourceArn=arn("tagged"))
    assert len(answer["Tags"]) == 50 and "NextToken" not in answer
    refused(cluster, "TagResource", {"ResourceArn": arn("tagged"), "Tags": [fifty[49]]}, "ValidationException", "Number of Tags exceed")
    db.tag_resource(ResourceArn=arn("tagged"), Tags=[{"Key": "team", "Value": "c"}])
    assert tags_of(db, "tagged")["team"] == "c"
    assert tags_of(cluster.client(router=1), "tagged")["team"] == "c"


def test_tags_by_many_at_once(cluster, db, table):
    """Each writes the record if nobody wrote meanwhile, or does it again: no tag is lost."""
    def tag(i):
        cluster.client(router=i % 2).tag_resource(ResourceArn=arn(table), Tags=[{"Key": f"k{i}", "Value": str(i)}])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(tag, range(24)))
    assert tags_of(db, table) == {f"k{i}": str(i) for i in range(24)}


def test_tags_that_are_refused(cluster, db, table):
    refused(cluster, "TagResource", {"ResourceArn": arn("no-such-table"), "Tags": [{"Key": "k", "Value": "v"}]}, "ResourceNotFoundException",
            f"Requested resource not found: ResourceArn: {arn('no-such-table')} not found")
    refused(cluster, "ListTagsOfResource", {"ResourceArn": arn("no-such-table")}, "AccessDeniedException", "User is not authorized to perform")
    refused(cluster, "ListTagsOfResource", {}, "ValidationException", "Invalid TableArn")
    refused(cluster, "ListTagsOfResource", {"ResourceArn": arn(table) + "/index/i"}, "ValidationException",
            "Invalid TableArn: Invalid ResourceArn provided as input")
    refused(cluster, "TagResource", {"ResourceArn": arn(table), "Tags": [{"Key": "good", "Value": "v"}, {"Key": "aws:x", "Value": "v"}]},
            "ValidationException", "Tag Key cannot be prefixed with aws:, Key: aws:x")
    assert tags_of(db, table) == {}


# ---- expiry

def test_time_to_live(cluster, db, table):
    spec = {"Enabled": True, "AttributeName": "t"}
    assert db.describe_time_to_live(TableName=table)["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    refused(cluster, "UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "t"}},
            "ValidationException", "TimeToLive is already disabled")
    assert db.update_time_to_live(TableName=table, TimeToLiveSpecification=spec)["TimeToLiveSpecification"] == spec
    assert db.describe_time_to_live(TableName=arn(table))["TimeToLiveDescription"]["TimeToLiveStatus"] in ("ENABLING", "ENABLED")
    wait_for("every group of the table knows it", 30,
             lambda: db.describe_time_to_live(TableName=table)["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "t"})
    refused(cluster, "UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": spec}, "ValidationException", "TimeToLive is already enabled")
    refused(cluster, "UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "u"}}, "ValidationException",
            "TimeToLive is active on a different AttributeName: current AttributeName is t")
    refused(cluster, "UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "t"}}, "ValidationException",
            "Time to live has been modified multiple times within a fixed interval")
    refused(cluster, "DescribeTimeToLive", {"TableName": "no-such-table"}, "ResourceNotFoundException", "Requested resource not found: Table: no-such-table")
    for name, good in (("a" * 255, True), ("a" * 256, False), ("", False)):
        body = {"TableName": "no-such-table", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": name}}
        refused(cluster, "UpdateTimeToLive", body, "ResourceNotFoundException" if good else "ValidationException",
                "Requested resource" if good else "1 validation error detected: Value '")


# ---- what consoles and Terraform read

def test_what_is_not_there_is_said_so(cluster, db, table):
    backups = db.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert backups == {"ContinuousBackupsStatus": "DISABLED", "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"}}
    refused(cluster, "DescribeContinuousBackups", {"TableName": "no-such-table"}, "TableNotFoundException", "Table not found: no-such-table")
    assert db.describe_contributor_insights(TableName=table)["ContributorInsightsStatus"] == "DISABLED"
    assert db.list_contributor_insights(TableName=table)["ContributorInsightsSummaries"] == []
    assert db.describe_kinesis_streaming_destination(TableName=table)["KinesisDataStreamDestinations"] == []
    refused(cluster, "UpdateContinuousBackups", {"TableName": table, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
            "UnknownOperationException", "")
    limits = db.describe_limits()
    assert (limits["TableMaxReadCapacityUnits"], limits["AccountMaxWriteCapacityUnits"]) == (40000, 80000)
    assert db.describe_endpoints()["Endpoints"][0]["Address"] == cluster.endpoints[0].split("//")[1]


def test_a_dropped_table_leaves_the_other_routers_cache(cluster, db):
    """Router b served it and sees nothing of the drop, which goes through router a."""
    name, key = make_table(db, "t-leaves"), {"pk": {"S": "x"}}
    assert call(cluster, "PutItem", {"TableName": name, "Item": key}, router=1)[0] == 200
    db.delete_table(TableName=name)
    wait_for("the table to be gone", 20, lambda: name not in db.list_tables()["TableNames"])

    def not_found():
        status, answer = call(cluster, "GetItem", {"TableName": name, "Key": key}, router=1)
        return status == 400 and "ResourceNotFoundException" in answer
    wait_for("router b to know that there is no such table", 40, not_found)
    make_table(db, name)
    assert call(cluster, "PutItem", {"TableName": name, "Item": key}, router=1)[0] == 200
    db.delete_table(TableName=name)


def test_list_tables_in_pages(cluster, db):
    names = [f"page-{i:02}" for i in range(7)]
    for name in names:
        make_table(db, name, wait=False)
    seen, after = [], "page-"
    while True:
        page = db.list_tables(Limit=3, ExclusiveStartTableName=after)
        seen += page["TableNames"]
        if "LastEvaluatedTableName" not in page or not page["TableNames"][-1].startswith("page-"):
            break
        after = page["LastEvaluatedTableName"]
        assert after == page["TableNames"][-1]
    assert [n for n in seen if n.startswith("page-")] == names
    assert db.list_tables(ExclusiveStartTableName="page-02", Limit=1)["TableNames"] == ["page-03"]
    assert db.list_tables(ExclusiveStartTableName="page-02x", Limit=1)["TableNames"] == ["page-03"]
    end = db.list_tables(ExclusiveStartTableName="zzzz")
    assert end["TableNames"] == [] and "LastEvaluatedTableName" not in end
    everything = [n for p in db.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2}) for n in p["TableNames"]]
    assert everything == sorted(everything) and set(names) <= set(everything)
    for limit in (0, 101):
        refused(cluster, "ListTables", {"Limit": limit}, "ValidationException", f"1 validation error detected: Value '{limit}' at 'limit'")


@pytest.fixture
def small(request):
    yield from start(request, env={"TERCET_TABLES_MAX": "6", "TERCET_TABLE_UNITS_MAX": "20", "TERCET_ACCOUNT_UNITS_MAX": "50"})


def test_quotas(small):
    db = small.client()
    units = lambda n: {"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": n, "WriteCapacityUnits": 1}}  # noqa: E731
    body = {"TableName": "another", "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}]}
    assert db.describe_limits()["AccountMaxReadCapacityUnits"] == 50
    wait_for("the canaries' tables are there", 20, lambda: len(db.list_tables()["TableNames"]) == 3)
    make_table(db, "one", **units(20))
    make_table(db, "two", **units(20))
    account = f"This request would have caused the ReadCapacityUnits limit to be exceeded for the account in {REGION}. Current ReadCapacityUnits " \
              "reserved by the account: 40. Limit: 50. Requested: "
    refused(small, "CreateTable", {**body, **units(11)}, "LimitExceededException", account + "11.")
    make_table(db, "three", **units(10))
    refused(small, "CreateTable", {**body, "BillingMode": "PAY_PER_REQUEST"}, "LimitExceededException",
            "Subscriber limit exceeded: There is a limit of 6 tables per subscriber")
    refused(small, "UpdateTable", {"TableName": "three", "ProvisionedThroughput": {"ReadCapacityUnits": 11, "WriteCapacityUnits": 1}},
            "LimitExceededException", account + "11.")
    changed(db, "one", ProvisionedThroughput={"ReadCapacityUnits": 19, "WriteCapacityUnits": 1})
    changed(db, "three", ProvisionedThroughput={"ReadCapacityUnits": 11, "WriteCapacityUnits": 1})
