"""The clients people use, unmodified: aws CLI, boto3, the JavaScript SDK v3."""
import json
import os
import pathlib
import subprocess
import time

from conftest import KEY, REGION, SECRET, make_table

HERE = pathlib.Path(__file__).parent


def until(check, seconds=20):
    """The SDKs' own waiters look every 20 s; tests have less patience."""
    end = time.time() + seconds
    while not check():
        assert time.time() < end
        time.sleep(0.1)


def environment():
    return dict(os.environ, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION=REGION, AWS_PAGER="")


def test_aws_cli(cluster):
    def aws(*args):
        done = subprocess.run(["aws", "dynamodb", *args, "--endpoint-url", cluster.endpoints[1], "--output", "json"],
                              env=environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}
    aws("create-table", "--table-name", "cli", "--billing-mode", "PAY_PER_REQUEST",
        "--attribute-definitions", "AttributeName=pk,AttributeType=S", "AttributeName=sk,AttributeType=N",
        "--key-schema", "AttributeName=pk,KeyType=HASH", "AttributeName=sk,KeyType=RANGE")
    until(lambda: aws("describe-table", "--table-name", "cli")["Table"]["TableStatus"] == "ACTIVE")
    aws("put-item", "--table-name", "cli", "--item", '{"pk":{"S":"a"},"sk":{"N":"1"},"v":{"S":"one"}}')
    assert aws("get-item", "--table-name", "cli", "--key", '{"pk":{"S":"a"},"sk":{"N":"1"}}')["Item"]["v"] == {"S": "one"}
    got = aws("query", "--table-name", "cli", "--key-condition-expression", "pk = :p AND sk BETWEEN :a AND :b",
              "--expression-attribute-values", '{":p":{"S":"a"},":a":{"N":"0"},":b":{"N":"5"}}')
    assert got["Count"] == 1
    assert "cli" in aws("list-tables")["TableNames"]
    aws("delete-table", "--table-name", "cli")
    until(lambda: "cli" not in aws("list-tables")["TableNames"])


def test_javascript_sdk(cluster):
    script = (HERE / "client.mjs").read_text()
    path = pathlib.Path(os.environ["TERCET_JS"]) / "client.mjs"
    path.write_text(script)
    done = subprocess.run(["node", path, cluster.endpoints[0]], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "all good" in done.stdout


def test_boto3_resource(cluster):
    import boto3
    ddb = boto3.resource("dynamodb", endpoint_url=cluster.endpoints[0], region_name=REGION, aws_access_key_id=KEY,
                         aws_secret_access_key=SECRET)
    table = ddb.create_table(TableName="res", BillingMode="PAY_PER_REQUEST",
                             AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                             KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    table.meta.client.get_waiter("table_exists").wait(TableName="res", WaiterConfig={"Delay": 1})
    with table.batch_writer() as batch:
        for i in range(60):
            batch.put_item(Item={"id": f"k{i}", "n": i, "tags": {"x", "y"}, "deep": {"a": [1, None, True, b"\x00"]}})
    assert table.get_item(Key={"id": "k7"}, ConsistentRead=True)["Item"]["n"] == 7
    assert table.scan(ConsistentRead=True)["Count"] == 60
    table.update_item(Key={"id": "k7"}, UpdateExpression="SET n = n + :one ADD hits :one", ExpressionAttributeValues={":one": 1})
    assert table.get_item(Key={"id": "k7"}, ConsistentRead=True)["Item"]["hits"] == 1
    table.delete()
    table.meta.client.get_waiter("table_not_exists").wait(TableName="res", WaiterConfig={"Delay": 1})


def test_table_list_and_description(cluster):
    db = cluster.client()
    make_table(db, "desc", sort="B", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
    t = db.describe_table(TableName="desc")["Table"]
    assert t["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    assert t["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    assert t["TableArn"].endswith(":table/desc") and t["TableId"] and t["CreationDateTime"]
    db.update_table(TableName="desc", ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 6})
    db.get_waiter("table_exists").wait(TableName="desc", WaiterConfig={"Delay": 1})
    assert db.describe_table(TableName="desc")["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 7
    db.update_table(TableName="desc", BillingMode="PAY_PER_REQUEST")
    assert db.describe_table(TableName="desc")["Table"]["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    names = db.list_tables(Limit=1)
    assert len(names["TableNames"]) == 1
    assert db.describe_limits()["TableMaxReadCapacityUnits"] > 0
    assert db.describe_endpoints()["Endpoints"]
