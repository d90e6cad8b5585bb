// A picture of each of our nodes as it stands in a bundled workflow after a run, for its help page.
//   node picture_nodes.mjs http://127.0.0.1:8188 <repository> <folder for the pictures> [workflow ...]
import fs from 'node:fs'
import path from 'node:path'
import { openPage } from './page.mjs'

const [url, root, shots, ...only] = process.argv.slice(2)
const [left, top, around] = [170, 170, 16] // px: clear of the page's own bars; what is seen around a node
const above = 34 // px: the title over the node's own box, without the pack's badge over that
const names = fs.readdirSync(path.join(root, 'workflows')).filter((f) => f.endsWith('.json')).map((f) => f.slice(0, -5))
names.sort((a, b) => (a === 'first_result' ? -1 : b === 'first_result' ? 1 : a < b ? -1 : 1))
const { browser, page } = await openPage(url, { width: 1300, height: 1500, pixels: 1.5 })
const taken = new Set()
for (const name of names.filter((n) => !only.length || only.includes(n))) {
  const graph = JSON.parse(fs.readFileSync(path.join(root, 'workflows', `${name}.json`)))
  if (graph.nodes.every((n) => !n.type.startsWith('MT_') || taken.has(n.type))) continue
  await page.evaluate(({ graph, name }) => window.app.loadGraphData(graph, true, true, name), { graph, name })
  await page.waitForTimeout(1000)
  // Run where the node itself then shows what it made.
  const runs = graph.nodes.some((n) => n.type === 'MT_MotionTransfer') && !taken.has('MT_MotionTransfer')
  const before = Object.keys(await (await fetch(`${url}/history`)).json()).length
  if (runs) await page.evaluate(() => window.app.queuePrompt(0, 1))
  let ran = !runs
  for (let k = 0; k < 600 && !ran; k++) {
    await page.waitForTimeout(500)
    const history = Object.values(await (await fetch(`${url}/history`)).json())
    ran = history.length > before
    const failed = history.find((h) => h.status?.status_str === 'error')
    if (failed) throw new Error(`${name}: ${JSON.stringify(failed.status.messages.at(-1))}`)
  }
  await page.waitForTimeout(2000)
  for (const type of new Set(graph.nodes.map((n) => n.type).filter((t) => t.startsWith('MT_')))) {
    if (taken.has(type)) continue
    const box = await page.evaluate(
      ({ type, left, top }) => {
        const { canvas, graph } = window.app
        const node = graph._nodes.find((n) => n.type === type)
        canvas.deselectAll?.()
        canvas.links_render_mode = window.LiteGraph.HIDDEN_LINK // other nodes' wires run across
        node.title = window.LiteGraph.registered_node_types[type].title // not what this one graph calls it
        for (const n of graph._nodes) if (n !== node) n.pos = [n.pos[0] + 100000, n.pos[1]] // neighbours would look in
        canvas.ds.scale = 1
        canvas.ds.offset = [left - node.pos[0], top - node.pos[1]]
        canvas.setDirty(true, true)
        const rect = canvas.canvas.getBoundingClientRect()
        return { x: rect.x, y: rect.y, width: node.size[0], height: node.size[1] }
      },
      { type, left, top },
    )
    await page.waitForTimeout(700)
    const clip = {
      x: box.x + left - around,
      y: box.y + top - above,
      width: box.width + 2 * around,
      height: box.height + above + around,
    }
    await page.screenshot({ path: path.join(shots, `${type}.png`), clip })
    taken.add(type)
    console.log(type, name)
  }
}
await browser.close()
