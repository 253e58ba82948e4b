// The JavaScript SDK v3 against a cluster: node client.mjs ENDPOINT
import { DynamoDBClient, CreateTableCommand, PutItemCommand, GetItemCommand, QueryCommand, DeleteTableCommand,
  UpdateItemCommand, waitUntilTableExists, ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import assert from "node:assert";

const db = new DynamoDBClient({ endpoint: process.argv[2], region: "us-east-1" });
const TableName = "javascript";
await db.send(new CreateTableCommand({ TableName, BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }, { AttributeName: "sk", AttributeType: "N" }],
  KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }, { AttributeName: "sk", KeyType: "RANGE" }] }));
await waitUntilTableExists({ client: db, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { TableName });
for (let i = 0; i < 10; i++)
  await db.send(new PutItemCommand({ TableName, Item: { pk: { S: "p" }, sk: { N: String(i) }, b: { B: new Uint8Array([0, i]) } } }));
const got = await db.send(new GetItemCommand({ TableName, Key: { pk: { S: "p" }, sk: { N: "3" } }, ConsistentRead: true }));
assert.deepEqual([...got.Item.b.B], [0, 3]);
const page = await db.send(new QueryCommand({ TableName, KeyConditionExpression: "pk = :p AND sk > :n", ScanIndexForward: false,
  ExpressionAttributeValues: { ":p": { S: "p" }, ":n": { N: "4" } }, ConsistentRead: true }));
assert.deepEqual(page.Items.map((i) => i.sk.N), ["9", "8", "7", "6", "5"]);
await assert.rejects(db.send(new UpdateItemCommand({ TableName, Key: { pk: { S: "p" }, sk: { N: "3" } },
  UpdateExpression: "SET x = :x", ConditionExpression: "attribute_exists(nothing)", ExpressionAttributeValues: { ":x": { N: "1" } } })),
  ConditionalCheckFailedException);
await db.send(new DeleteTableCommand({ TableName }));
console.log("all good");
