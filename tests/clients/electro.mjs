// ElectroDB: an entity over one table, with conditional creation, patches, queries and batches. Usage: node electro.mjs ENDPOINT
import assert from 'node:assert/strict'
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import electrodb from 'electrodb'

const client = new DynamoDBClient({ endpoint: process.argv[2], region: 'us-east-1' })
const table = 'electro-tasks'
await client.send(new CreateTableCommand({ TableName: table, BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }, { AttributeName: 'sk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }] }))
await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: table })

const Task = new electrodb.Entity({
  model: { entity: 'task', version: '1', service: 'proof' },
  attributes: { team: { type: 'string', required: true }, id: { type: 'string', required: true }, points: { type: 'number', default: 0 },
    labels: { type: 'set', items: 'string' }, notes: { type: 'list', items: { type: 'string' } }, meta: { type: 'map', properties: { owner: { type: 'string' } } } },
  indexes: { byTeam: { pk: { field: 'pk', composite: ['team'] }, sk: { field: 'sk', composite: ['id'] } } },
}, { client, table })

await Task.create({ team: 'red', id: 't1', labels: ['a', 'b'], notes: ['first'], meta: { owner: 'ann' } }).go()
await assert.rejects(Task.create({ team: 'red', id: 't1' }).go(), /conditional/i)
await Task.patch({ team: 'red', id: 't1' }).add({ points: 5, labels: ['c'] }).append({ notes: ['second'] }).set({ 'meta.owner': 'bob' }).go()
const one = await Task.get({ team: 'red', id: 't1' }).go({ consistent: true })
assert.deepEqual([one.data.points, [...one.data.labels].sort(), one.data.notes, one.data.meta], [5, ['a', 'b', 'c'], ['first', 'second'], { owner: 'bob' }])
await Task.put(Array.from({ length: 30 }, (_, i) => ({ team: 'blue', id: `t${String(i).padStart(2, '0')}`, points: i }))).go()
const some = await Task.query.byTeam({ team: 'blue' }).between({ id: 't05' }, { id: 't14' }).where(({ points }, { gt }) => gt(points, 9)).go({ consistent: true })
assert.deepEqual(some.data.map(t => t.points), [10, 11, 12, 13, 14])
let cursor = null
let seen = 0
do {
  const page = await Task.query.byTeam({ team: 'blue' }).go({ cursor, limit: 7, consistent: true })
  seen += page.data.length
  cursor = page.cursor
} while (cursor !== null)
assert.equal(seen, 30)
await assert.rejects(Task.remove({ team: 'red', id: 'none' }).go(), /conditional/i)
await client.send(new DeleteTableCommand({ TableName: table }))
console.log('all good')
