"""The `aws` command beyond single calls: input files and skeletons, its paginators, its queries, its waiters."""
import json
import os
import subprocess

from integration import KEY, REGION, SECRET

TABLE = "cli-songs"


class Aws:
    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.env = dict(os.environ, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION=REGION, AWS_PAGER="", AWS_MAX_ATTEMPTS="5")

    def run(self, *args, refused=False):
        command = ["aws", "dynamodb", *args, "--endpoint-url", self.endpoint, "--output", "json"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=120)
        # Version 1 of the command ends with 255 when the service refuses, version 2 with 254.
        assert done.returncode in ((254, 255) if refused else (0,)), f"{args}: {done.returncode} {done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else done.stderr

    def file(self, verb, folder, body, *args, **more):
        path = folder / f"{verb}.json"
        path.write_text(json.dumps(body))
        return self.run(verb, "--cli-input-json", f"file://{path}", *args, **more)


def table_input():
    names = {"artist": "S", "song": "S", "plays": "N"}
    return {"TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in names.items()],
            "KeySchema": [{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "song", "KeyType": "RANGE"}],
            "GlobalSecondaryIndexes": [{"IndexName": "by-plays", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                        "KeySchema": [{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "plays", "KeyType": "RANGE"}]}]}


def test_files_pages_and_waiters(cluster, tmp_path):
    aws = Aws(cluster.endpoints[1])
    made = aws.file("create-table", tmp_path, table_input())
    assert made["TableDescription"]["TableStatus"] == "CREATING"
    aws.run("wait", "table-exists", "--table-name", TABLE)
    puts = [{"PutRequest": {"Item": {"artist": {"S": "Ella"}, "song": {"S": f"song {n:02}"}, "plays": {"N": str(n)}, "tags": {"NS": ["1", "2.5"]}}}} for n in range(25)]
    assert aws.file("batch-write-item", tmp_path, {"RequestItems": {TABLE: puts}})["UnprocessedItems"] == {}
    query = {"TableName": TABLE, "ConsistentRead": True, "KeyConditionExpression": "artist = :a", "ExpressionAttributeValues": {":a": {"S": "Ella"}}}
    assert aws.file("query", tmp_path, query, "--page-size", "4")["Count"] == 25  # seven requests in one answer
    first = aws.file("query", tmp_path, query, "--max-items", "10")
    rest = aws.file("query", tmp_path, query, "--starting-token", first["NextToken"])
    assert (len(first["Items"]), len(rest["Items"])) == (10, 15)
    names = aws.file("query", tmp_path, query, "--query", "Items[?plays.N == '23'].song.S", "--no-paginate")
    assert names == ["song 23"]
    assert aws.run("scan", "--table-name", TABLE, "--select", "COUNT", "--page-size", "3", "--consistent-read")["Count"] == 25
    # What a file says may be said again on the command line, which wins.
    got = aws.file("get-item", tmp_path, {"TableName": "no-such-table", "ConsistentRead": True, "Key": {"artist": {"S": "Ella"}, "song": {"S": "song 07"}}}, "--table-name", TABLE)
    assert got["Item"]["plays"] == {"N": "7"} and set(got["Item"]["tags"]["NS"]) == {"1", "2.5"}
    skeleton = aws.run("update-item", "--generate-cli-skeleton", "input")
    assert "TableName" in skeleton and "UpdateExpression" in skeleton
    refused = aws.file("put-item", tmp_path, {"TableName": TABLE, "Item": {"artist": {"S": "Ella"}, "song": {"S": "song 07"}},
                                              "ConditionExpression": "attribute_not_exists(artist)"}, refused=True)
    assert "ConditionalCheckFailedException" in refused
    aws.run("delete-table", "--table-name", TABLE)
    aws.run("wait", "table-not-exists", "--table-name", TABLE)
    assert TABLE not in aws.run("list-tables", "--page-size", "1")["TableNames"]
