"""The wire: every error that the built API can answer, provoked over raw HTTP, and what HTTP and signatures themselves must do."""
import os
import pathlib
import re
import signal
import socket

import pytest

import wire
from conftest import make_table, start, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
DDB, SERVICE = "com.amazonaws.dynamodb.v20120810", "com.amazon.coral.service"
VALIDATE, AVAILABILITY = "com.amazon.coral.validate", "com.amazon.coral.availability"
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/"
KEYED = {"TableName": "wire", "Key": {"pk": {"S": "a"}}}


@pytest.fixture(scope="module")
def strict(request):
    """Only listed keys may call, a partition takes 50 write units a second, and an item collection 4096 bytes."""
    for cluster in start(request, env={"TERCET_AUTH": "strict", "TERCET_PARTITION_WRITE_UNITS": "50", "TERCET_COLLECTION_BYTES_MAX": "4096"}):
        db = cluster.client()
        make_table(db, "wire")
        make_table(db, "slow", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})
        yield cluster


def ask(cluster, op, body=b"{}", **how):
    return wire.exchange(cluster.port, wire.call(op, body, **how))


def until_refused(cluster, table, kilobytes):
    """Put items until one is refused."""
    for i in range(400):
        item = {"pk": {"S": "one"}, "v": {"S": "x" * kilobytes * 1024}}
        answer = ask(cluster, "PutItem", {"TableName": table, "Item": item})
        if answer.status != 200:
            return answer
    return answer


def into_a_full_collection(cluster):
    """test_collections.py says where the bound lies."""
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    ordered = {"IndexName": "by-l", "KeySchema": [keys[0], {"AttributeName": "l", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}}
    types = [{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk", "l")]
    ask(cluster, "CreateTable", {**TABLE, "TableName": "collected", "KeySchema": keys, "AttributeDefinitions": types, "LocalSecondaryIndexes": [ordered]})
    wait_for("ACTIVE", 20, lambda: ask(cluster, "DescribeTable", {"TableName": "collected"}).json["Table"]["TableStatus"] == "ACTIVE")
    item = {"pk": {"S": "a"}, "sk": {"S": "a"}, "v": {"S": "x" * 5000}}
    return ask(cluster, "PutItem", {"TableName": "collected", "Item": item})


def half_a_head(cluster):
    with socket.create_connection(("127.0.0.1", cluster.port), timeout=40) as s:
        s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n")
        return wire.receive(s, 1)[0]


def stopped(cluster, op, body):
    """The answer while no storage node moves."""
    pids = [cluster.pid(n) for n in cluster.nodes("storage")]
    ask(cluster, op, body)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        return ask(cluster, op, body)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        wait_for("writes again", 30, lambda: ask(cluster, op, body).status == 200)


def without_storage(cluster, op, body, status=None):
    """The answer while no storage node lives; with status: the first of that status, for a request that is on its way to a node
    which dies has an outcome that is not known."""
    nodes = cluster.nodes("storage")
    ask(cluster, op, body)
    cluster.kill(*nodes)
    answer = ask(cluster, op, body)
    if status and answer.status != status:
        answer = wait_for(f"an answer of status {status}", 30, lambda: (a := ask(cluster, op, body)).status == status and a)
    for node in nodes:
        cluster.one("start", node)
    wait_for("reads again", 60, lambda: ask(cluster, op, body).status == 200)
    return answer


PUT = {"TableName": "wire", "Item": {"pk": {"S": "a"}}}
TABLE = {"TableName": "wire", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
         "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}
LATER = "arn:aws:dynamodb:us-east-1:000000000000:table/wire/backup/01"
# Exception -> (namespace, status, text, member of the text, how to provoke it)
PROVOKED = {
    "AccessDeniedException": (SERVICE, 400, "User is not authorized to perform: dynamodb:ListTagsOfResource on resource: ", "Message",
                              lambda c: ask(c, "ListTagsOfResource", {"ResourceArn": ARN + "nowhere"})),
    "BackupNotFoundException": (DDB, 400, f"Backup not found: {LATER}", "message", lambda c: ask(c, "DescribeBackup", {"BackupArn": LATER})),
    "ConditionalCheckFailedException": (DDB, 400, "The conditional request failed", "message",
                                        lambda c: ask(c, "PutItem", {**PUT, "ConditionExpression": "attribute_exists(nothing)"})),
    "ContinuousBackupsUnavailableException": (DDB, 400, "Backups are not available", "message",
                                              lambda c: ask(c, "CreateBackup", {"TableName": "wire", "BackupName": "one"})),
    "ExportNotFoundException": (DDB, 400, "Export not found: ", "message", lambda c: ask(c, "DescribeExport", {"ExportArn": LATER})),
    "GlobalTableNotFoundException": (DDB, 400, "Global table not found: Global table with name: 'wire' does not exist.", "message",
                                     lambda c: ask(c, "DescribeGlobalTable", {"GlobalTableName": "wire"})),
    "ImportNotFoundException": (DDB, 400, "Import not found: ", "message", lambda c: ask(c, "DescribeImport", {"ImportArn": LATER})),
    "InternalServerError": (DDB, 500, "", "message", lambda c: stopped(c, "PutItem", PUT)),
    "ItemCollectionSizeLimitExceededException": (DDB, 400, "Collection size exceeded.", "message", into_a_full_collection),
    "LimitExceededException": (DDB, 400, "The requested ReadCapacityUnits, 40001, is above the per table maximum for the account", "message",
                               lambda c: ask(c, "CreateTable", {**TABLE, "TableName": "large", "BillingMode": "PROVISIONED",
                                                                "ProvisionedThroughput": {"ReadCapacityUnits": 40001, "WriteCapacityUnits": 1}})),
    "PointInTimeRecoveryUnavailableException": (
        DDB, 400, "Point in time recovery is not enabled for table 'wire'", "message",
        lambda c: ask(c, "ExportTableToPointInTime", {"TableArn": ARN + "wire", "S3Bucket": "b"})),
    "PolicyNotFoundException": (DDB, 400, "Resource-based policy not found", "message",
                                lambda c: ask(c, "GetResourcePolicy", {"ResourceArn": ARN + "wire"})),
    "ProvisionedThroughputExceededException": (DDB, 400, "The level of configured provisioned throughput", "message",
                                               lambda c: until_refused(c, "slow", 20)),
    "ResourceInUseException": (DDB, 400, "Table already exists: wire", "message", lambda c: ask(c, "CreateTable", TABLE)),
    "ResourceNotFoundException": (DDB, 400, "Requested resource not found", "message",
                                  lambda c: ask(c, "GetItem", {**KEYED, "TableName": "nowhere"})),
    "TableNotFoundException": (DDB, 400, "Table not found: nowhere", "message",
                               lambda c: ask(c, "CreateBackup", {"TableName": "nowhere", "BackupName": "one"})),
    "ValidationException": (VALIDATE, 400, "The provided key element does not match the schema", "message",
                            lambda c: ask(c, "GetItem", {"TableName": "wire", "Key": {"other": {"S": "a"}}})),
    "TransactionCanceledException": (
        DDB, 400, "Transaction cancelled, please refer cancellation reasons for specific reasons [ValidationError]", "Message",
        lambda c: ask(c, "TransactGetItems", {"TransactItems": [{"Get": {"TableName": "wire", "Key": {"other": {"S": "a"}}}}]})),
    "ThrottlingException": (AVAILABILITY, 400, "Throughput exceeds the current capacity", "message", lambda c: until_refused(c, "wire", 100)),
    "IncompleteSignatureException": (SERVICE, 400, "Authorization header requires 'Credential' parameter. ", "message",
                                     lambda c: ask(c, "ListTables", replace=[("authorization", "AWS4-HMAC-SHA256 nonsense")])),
    "InvalidSignatureException": (SERVICE, 400, "The request signature we calculated does not match the signature you provided.", "message",
                                  lambda c: ask(c, "ListTables", secret="wrong")),
    "MissingAuthenticationTokenException": (SERVICE, 400, "Request is missing Authentication Token", "message",
                                            lambda c: ask(c, "ListTables", drop=["authorization"])),
    "RequestEntityTooLargeException": (SERVICE, 413, "Request body is larger than 16 MB", "message",
                                       lambda c: wire.exchange(c.port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 16777217\r\n\r\n")),
    "RequestTimeoutException": (SERVICE, 408, "The request did not arrive in time", "message", half_a_head),
    "SerializationException": (SERVICE, 400, "TRUE_VALUE cannot be converted to Integer", "Message",
                               lambda c: ask(c, "ListTables", {"Limit": True})),
    "ServiceUnavailableException": (SERVICE, 503, "", "message", lambda c: without_storage(c, "GetItem", {**KEYED, "ConsistentRead": True}, 503)),
    "UnknownOperationException": (SERVICE, 400, "", "message", lambda c: ask(c, "MakeCoffee")),
    "UnrecognizedClientException": (SERVICE, 400, "The security token included in the request is invalid.", "message",
                                    lambda c: ask(c, "ListTables", key="STRANGER")),
}
# Exceptions of the model that nothing answers yet, by what would.
LATER_ON = {
    "backups": ["BackupInUseException", "InvalidRestoreTimeException", "TableAlreadyExistsException", "TableInUseException"],
    "exports and imports": ["ExportConflictException", "ImportConflictException", "InvalidExportTimeException"],
    "global tables": ["GlobalTableAlreadyExistsException", "IndexNotFoundException", "ReplicaAlreadyExistsException",
                      "ReplicaNotFoundException", "ReplicatedWriteConflictException"],
    "limits of the account": ["RequestLimitExceeded"],
    "PartiQL": ["DuplicateItemException"],
    "streams": ["ExpiredIteratorException", "TrimmedDataAccessException"],
    "transactions": ["IdempotentParameterMismatchException", "TransactionConflictException", "TransactionInProgressException"],
}


@pytest.mark.parametrize("name", PROVOKED)
def test_every_error_of_the_built_api(strict, name):
    space, status, text, member, provoke = PROVOKED[name]
    answer = provoke(strict)
    assert answer.headers["content-type"] == wire.JSON
    assert (answer.status, answer.error[:2]) == (status, (space, name)), answer
    assert answer.error[2].startswith(text), answer
    assert answer.error[3] == member or not text


def test_no_error_is_forgotten():
    """What the router's sources name has a row above; what they do not name is told as not built."""
    constants = dict(re.findall(r'X\((API_\w+), \w+,\s*\\?\s*"(\w+)"', (ROOT / "services/router/api/api_error.h").read_text()))
    sources = [p for p in (ROOT / "services/router").rglob("*.[ch]") if not p.name.startswith("api_error")]
    text = "\n".join(p.read_text() for p in sources)
    used = {name for constant, name in constants.items() if re.search(rf"\b{constant}\b", text)}
    later = {name for names in LATER_ON.values() for name in names}
    assert used == set(PROVOKED), used ^ set(PROVOKED)
    assert set(constants.values()) - used == later, set(constants.values()) - used ^ later


WRONG_TYPES = [
    ("GetItem", b"[]", "Start of list found where not expected"),
    ("GetItem", b'{"Key":[]}', "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"),
    ("CreateTable", b'{"KeySchema":[[]]}', "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.KeySchemaElement"),
    ("CreateTable", b'{"ProvisionedThroughput":1}', "Unexpected field type"),
    ("GetItem", b'{"TableName":1.5}', "DECIMAL_VALUE cannot be converted to String"),
    ("GetItem", b'"x"', "Unexpected value type in payload"),
    ("GetItem", b'{"TableName":1}', "NUMBER_VALUE cannot be converted to String"),
    ("GetItem", b'{"TableName":true}', "TRUE_VALUE cannot be converted to String"),
    ("GetItem", b'{"TableName":{}}', "Start of structure or map found where not expected"),
    ("GetItem", b'{"ConsistentRead":"yes"}', "Unexpected token received from parser"),
    ("GetItem", b'{"Key":"k"}', "Unexpected field type"),
    ("GetItem", b'{"Key":{"pk":"k"}}', "Unexpected value type in payload"),
    ("GetItem", b'{"Key":{"pk":{"S":1}}}', "NUMBER_VALUE cannot be converted to String"),
    ("GetItem", b'{"Key":{"pk":{"B":"%"}}}', ""),
    ("GetItem", b'{"AttributesToGet":"a"}', "Unexpected field type"),
    ("Scan", b'{"Limit":"1"}', "STRING_VALUE cannot be converted to Integer"),
    ("Scan", b'{"Limit":99999999999}', "NUMBER_VALUE cannot be converted to Integer"),
    ("ListBackups", b'{"TimeRangeLowerBound":"now"}', "STRING_VALUE cannot be converted to Double"),
]


@pytest.mark.parametrize("op,body,text", WRONG_TYPES)
def test_wrong_types(strict, op, body, text):
    answer = ask(strict, op, body)
    assert answer.status == 400 and answer.error[:2] == (SERVICE, "SerializationException"), answer
    assert answer.error[2].startswith(text), answer


@pytest.mark.parametrize("body", [b"", b" ", b"nonsense", b"{", b"{}x", b"{'a':1}", b'{"Limit":01}', b'{"Limit":1,}', b"\xef\xbb\xbf{}",
                                  b'{"a":"\xff"}', b'{"a":"\\ud800"}', b'{"a":"\n"}', b'{"a":NaN}', b'{"a":' + b"[" * 101 + b"]" * 101 + b"}"])
def test_what_is_not_json_is_told_without_words(strict, body):
    answer = ask(strict, "ListTables", body)
    assert (answer.status, answer.json) == (400, {"__type": f"{SERVICE}#SerializationException"}), answer


@pytest.mark.parametrize("body", [b'{"Limit":1,"Limit":2}', b'{"Unknown":{"a":[1,1e999]}}', b'{"Limit":null}', b'{"limit":-1}', b'{"":1}', b" { } "])
def test_oddities_that_are_taken(strict, body):
    assert ask(strict, "ListTables", body).status == 200


BREACHES = [
    ("GetItem", {}, "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null; "
                    "Value null at 'key' failed to satisfy constraint: Member must not be null"),
    ("Scan", {"TableName": "a!", "Limit": 0, "Select": "SOME"},
     "3 validation errors detected: Value 'a!' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
     "[a-zA-Z0-9_.-]+; Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1; "
     "Value 'SOME' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, "
     "ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"),
    ("Query", {"TableName": "wire", "Limit": 0}, "1 validation error detected: Value at 'Limit' failed to satisfy constraint"),
    ("BatchGetItem", {"RequestItems": {}}, "The requestItems parameter is required for BatchGetItem"),
    ("BatchWriteItem", {"RequestItems": {"wire": [{}] * 26}},
     "1 validation error detected: Value '{wire=[...]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: ["),
    ("CreateTable", {"KeySchema": [], "AttributeDefinitions": []},
     "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1"),
    ("CreateTable", {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}], "AttributeDefinitions": []},
     "The parameter 'TableName' is required but was not present in the request"),
    ("BatchExecuteStatement", {"Statements": [{"Statement": ""}]},
     "1 validation error detected: Value '' at 'statements.1.member.statement' failed to satisfy constraint: Member must have length greater "
     "than or equal to 1"),
    # Wrong types come before constraints, constraints before values, values before the rules of the operation.
    ("GetItem", {"TableName": "?", "Key": {"pk": {}}}, "1 validation error detected: Value '?' at 'tableName'"),
    ("PutItem", {"TableName": "wire", "Item": {"pk": {}}, "ReturnValues": "ALL_NEW"}, "Supplied AttributeValue is empty"),
    ("PutItem", {"TableName": "nowhere", "Item": {"pk": {"S": "a"}}, "ReturnValues": "ALL_NEW"}, "ReturnValues can only be ALL_OLD or NONE"),
]


@pytest.mark.parametrize("op,body,text", BREACHES)
def test_violations_are_told_together_and_in_order(strict, op, body, text):
    answer = ask(strict, op, body)
    assert answer.status == 400 and answer.error[:2] == (VALIDATE, "ValidationException"), answer
    assert answer.error[2].startswith(text), answer


# Operations that are not built, and what is true of them.
TRUE_TODAY = [
    ("DescribeKinesisStreamingDestination", {"TableName": "wire"}, 200, b'{"TableName":"wire","KinesisDataStreamDestinations":[]}'),
    ("DescribeKinesisStreamingDestination", {"TableName": "nowhere"}, 400, b"ResourceNotFoundException"),
    ("DisableKinesisStreamingDestination", {"TableName": "wire", "StreamArn": LATER}, 400, b"must be ACTIVE to perform DISABLE operation."),
    ("ListBackups", {}, 200, b'{"BackupSummaries":[]}'),
    ("ListExports", {"TableArn": ARN + "wire"}, 200, b'{"ExportSummaries":[]}'),
    ("ListImports", {}, 200, b'{"ImportSummaryList":[]}'),
    ("ListGlobalTables", {}, 200, b'{"GlobalTables":[]}'),
    ("ListContributorInsights", {"TableName": "nowhere"}, 400, b"ResourceNotFoundException"),
    ("ListContributorInsights", {}, 200, b'{"ContributorInsightsSummaries":[]}'),
    ("RestoreTableFromBackup", {"TargetTableName": "new", "BackupArn": LATER}, 400, b"BackupNotFoundException"),
    ("RestoreTableToPointInTime", {"TargetTableName": "new", "SourceTableName": "wire"}, 400, b"PointInTimeRecoveryUnavailableException"),
    # What asks for no more than what is so already succeeds.
    ("UpdateContinuousBackups", {"TableName": "wire", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}, 200,
     b'{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"DISABLED","PointInTimeRecoveryDescription":'
     b'{"PointInTimeRecoveryStatus":"DISABLED"}}}'),
    ("UpdateContinuousBackups", {"TableName": "wire", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}, 400,
     b"UnknownOperationException"),
    ("UpdateContinuousBackups", {"TableName": "nowhere", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}, 400,
     b"TableNotFoundException"),
    ("DeleteResourcePolicy", {"ResourceArn": ARN + "wire"}, 200, b"{}"),
    ("DeleteResourcePolicy", {"ResourceArn": ARN + "wire", "ExpectedRevisionId": "1"}, 400,
     b"Resource-based policy not found for the provided ResourceArn: " + ARN.encode() + b"wire"),
    ("DeleteResourcePolicy", {"ResourceArn": ARN + "nowhere"}, 400, b"ResourceNotFoundException"),
    ("RestoreTableToPointInTime", {"TargetTableName": "new"}, 400, b"ValidationException"),
    ("UpdateContributorInsights", {"TableName": "wire", "ContributorInsightsAction": "DISABLE"}, 200,
     b'{"TableName":"wire","ContributorInsightsStatus":"DISABLED"}'),
    ("UpdateContributorInsights", {"TableName": "wire", "ContributorInsightsAction": "ENABLE"}, 400, b"UnknownOperationException"),
    ("UpdateContributorInsights", {"TableName": "nowhere", "ContributorInsightsAction": "DISABLE"}, 400, b"ResourceNotFoundException"),
    ("TransactGetItems", {"TransactItems": [{"Get": KEYED}]}, 400, b"UnknownOperationException"),
    ("TransactWriteItems", {"TransactItems": []}, 400, b"Value '[]' at 'transactItems' failed to satisfy constraint"),
    ("ExecuteStatement", {"Statement": "SELECT * FROM wire"}, 400, b"The operation ExecuteStatement is not supported"),
]


@pytest.mark.parametrize("op,body,status,part", TRUE_TODAY)
def test_what_is_not_built_answers_what_is_true(strict, op, body, status, part):
    answer = ask(strict, op, body)
    assert answer.status == status and part in answer.body, answer


def test_an_sdk_reads_them(strict):
    db = strict.client()
    assert db.list_backups(TableName="wire")["BackupSummaries"] == []
    assert db.list_exports(TableArn=ARN + "wire")["ExportSummaries"] == []
    assert db.list_imports()["ImportSummaryList"] == []
    assert db.list_global_tables(Limit=10)["GlobalTables"] == []
    assert db.list_contributor_insights(TableName="wire")["ContributorInsightsSummaries"] == []
    assert db.describe_kinesis_streaming_destination(TableName=ARN + "wire")["KinesisDataStreamDestinations"] == []
    with pytest.raises(db.exceptions.BackupNotFoundException):
        db.describe_backup(BackupArn=LATER)
    with pytest.raises(db.exceptions.PolicyNotFoundException):
        db.get_resource_policy(ResourceArn=ARN + "wire")
    with pytest.raises(db.exceptions.GlobalTableNotFoundException):
        db.describe_global_table_settings(GlobalTableName="wire")


def test_no_operation_of_the_model_answers_a_server_error(strict):
    """Neither with nothing, nor with a table's name."""
    lines = [line.split(" ") for line in (ROOT / "tools/compat/model.txt").read_text().splitlines() if line.startswith("op ")]
    assert len(lines) >= 61
    for _, service, op, *_ in lines:
        target = "DynamoDBStreams_20120810" if service == "streams" else "DynamoDB_20120810"
        for body in ({}, {"TableName": "nowhere"}, {"ResourceArn": ARN + "nowhere", "TableArn": ARN + "nowhere"}):
            answer = ask(strict, op, body, target=target)
            assert answer.status in (200, 400), (op, answer)
            assert answer.status == 200 or answer.error[1].endswith("Exception"), (op, answer)
