// A person at dynamodb-admin in a real browser: creates a table, adds an item, edits it, queries, scans with a filter, deletes.
// Usage: node admin.mjs URL-OF-DYNAMODB-ADMIN FOLDER-FOR-SCREENSHOTS
import assert from 'node:assert/strict'
import puppeteer from 'puppeteer-core'

const [url, screens] = process.argv.slice(2)
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] })
const page = await browser.newPage()
await page.setViewport({ width: 1100, height: 800 })
page.setDefaultTimeout(20000)
// Its form sends throughput as strings, which the service refuses, and so does Tercet: here the page sends numbers.
await page.evaluateOnNewDocument(() => {
  const send = window.fetch
  window.fetch = (target, options) => send(target, options?.method === 'post'
    ? { ...options, body: options.body.replace(/("(?:Read|Write)CapacityUnits":)"(\d+)"/g, '$1$2') } : options)
})
let step = 0

async function show(name) {
  step += 1
  await page.screenshot({ path: `${screens}/${step}-${name}.png` })
}

const text = () => page.evaluate(() => document.body.innerText)

async function until(what, check) {
  for (let tries = 0; tries < 100; tries++) {
    if (await check().catch(() => false)) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  await show('stuck')
  assert.fail(`${what}: ${await text()}`)
}

async function createTable() {
  await page.goto(`${url}/create-table`)
  await page.type('#TableName', 'gui-books')
  await page.type('#HashAttributeName', 'author')
  await page.type('#RangeAttributeName', 'year')
  await page.select('select[name=RangeAttributeType]', 'N')
  await show('create-table')
  await Promise.all([page.waitForNavigation(), page.click('#saveButton')])
  await until('the new table is listed', async () => (await text()).includes('gui-books'))
  await show('tables')
  await page.goto(`${url}/tables/gui-books/meta`)
  await until('the new table is ACTIVE', async () => { await page.reload(); return (await text()).includes('ACTIVE') })
}

async function save(item) {
  await page.evaluate(json => editor.setValue(json), JSON.stringify(item, null, 2))
  await page.click('#saveButton')
}

async function addItem() {
  for (const year of [1847, 1849, 1853]) {
    await page.goto(`${url}/tables/gui-books/add-item`)
    await save({ author: 'Brontë', year, title: `Book of ${year}`, tags: ['novel', year], more: { pages: year / 10, read: year > 1850 } })
    await until('the item is opened after it was saved', async () => page.url().includes('/items/'))
  }
  await show('added-item')
}

async function editItem() {
  await page.goto(`${url}/tables/gui-books/items/${encodeURIComponent('Brontë,1847')}`)
  const item = JSON.parse(await page.evaluate(() => editor.getValue()))
  assert.equal(item.title, 'Book of 1847')
  await save({ ...item, title: 'Jane Eyre', copies: 3 })
  await until('the save button turns green', () => page.evaluate(() => document.getElementById('saveButton').classList.contains('btn-success')))
  await show('edited-item')
  await page.reload()
  assert.equal(JSON.parse(await page.evaluate(() => editor.getValue())).title, 'Jane Eyre')
}

async function search(parameters, wanted, unwanted, name) {
  const filters = JSON.stringify(parameters.filters)
  await page.goto(`${url}/tables/gui-books?operationType=${parameters.operation}&queryableSelection=table&filters=${encodeURIComponent(filters)}&pageSize=25`)
  await until(`${name} shows ${wanted}`, async () => { const t = await text(); return wanted.every(w => t.includes(w)) })
  const shown = await text()
  for (const u of unwanted) assert.ok(!shown.includes(u), `${name} shows ${u}`)
  await show(name)
}

async function deleteItem() {
  await page.goto(`${url}/tables/gui-books/items/${encodeURIComponent('Brontë,1849')}`)
  await page.click('.btn-danger')
  await until('the table is shown after the deletion', async () => !page.url().includes('/items/') && (await text()).includes('Jane Eyre'))
  assert.ok(!(await text()).includes('Book of 1849'))
  await show('deleted-item')
}

async function deleteTable() {
  await page.goto(`${url}/tables/gui-books/meta`)
  await until('the description', async () => (await text()).includes('TableStatus'))
  await show('description')
  const answer = await page.evaluate(async base => (await fetch(`${base}/tables/gui-books`, { method: 'DELETE' })).status, url)
  assert.ok(answer < 300, `deleting the table answered ${answer}`)
  await page.goto(url)
  await until('the table is gone', async () => { await page.reload(); return !(await text()).includes('gui-books') })
  await show('table-gone')
}

try {
  await createTable()
  await addItem()
  await editItem()
  const author = { author: { operator: '=', value: 'Brontë', type: 'S' } }
  await search({ operation: 'query', filters: { ...author, year: { operator: '>', value: '1848', type: 'N' } } }, ['Book of 1849', 'Book of 1853'], ['Jane Eyre'], 'query')
  await search({ operation: 'scan', filters: { title: { operator: 'begins_with', value: 'Jane', type: 'S' } } }, ['Jane Eyre'], ['Book of'], 'scan')
  await deleteItem()
  await deleteTable()
  console.log('all good')
} finally {
  await browser.close()
}
