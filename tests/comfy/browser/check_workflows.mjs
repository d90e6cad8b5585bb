// Loads every UI workflow into the real front end and tells, as JSON on standard output:
// missing nodes, the API form it converts to, and page errors.   node check_workflows.mjs URL ROOT SHOTS vue|canvas [QUEUE]
import fs from 'node:fs'
import path from 'node:path'
import { fitView, openPage } from './page.mjs'

const [url, root, shots, renderer, queue] = process.argv.slice(2)
const { browser, page, errors } = await openPage(url, { vueNodes: renderer === 'vue' })
const result = {}
for (const file of fs.readdirSync(path.join(root, 'workflows')).filter((f) => f.endsWith('.json'))) {
  const name = path.basename(file, '.json')
  const graph = JSON.parse(fs.readFileSync(path.join(root, 'workflows', file)))
  result[name] = await page.evaluate(
    async ({ graph, name }) => {
      const app = window.app
      await app.loadGraphData(graph, true, true, name)
      await new Promise((done) => setTimeout(done, 800))
      const missing = app.graph._nodes.filter((n) => !window.LiteGraph.registered_node_types[n.type]).map((n) => n.type)
      const red = app.graph._nodes.filter((n) => n.has_errors).map((n) => n.type)
      return { missing, red, api: (await app.graphToPrompt()).output }
    },
    { graph, name },
  )
  await fitView(page)
  await page.screenshot({ path: path.join(shots, `${name}_${renderer}.png`) })
  if (name === queue) {
    await page.evaluate(() => window.app.queuePrompt(0, 1))
    let done = false
    for (let k = 0; k < 800 && !done; k++) {
      await page.waitForTimeout(500)
      const history = await (await fetch(`${url}/history`)).json()
      done = Object.values(history).some((h) => h.status?.completed)
    }
    result[name].queued = done
    await page.waitForTimeout(1500)
    await page.screenshot({ path: path.join(shots, `${name}_${renderer}_done.png`) })
  }
}
console.log(JSON.stringify({ workflows: result, errors }))
await browser.close()
