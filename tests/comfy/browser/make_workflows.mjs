// Turns workflows/api/*.json (completed where nodes have grown) and notes.json into workflows/*.json (what the canvas loads), laid out, with notes inside.
//   node make_workflows.mjs http://127.0.0.1:8188 <repository> [screenshot folder] [workflow ...]
import fs from 'node:fs'
import path from 'node:path'
import { fitView, openPage } from './page.mjs'

const [url, root, shots, ...only] = process.argv.slice(2)
const notes = JSON.parse(fs.readFileSync(path.join(root, 'workflows', 'make', 'notes.json')))
const { browser, page } = await openPage(url, { width: 2400, height: 1350 })
for (const [name, note] of Object.entries(notes)) {
  const file = path.join(root, 'workflows', 'api', `${name}.json`)
  if (!fs.existsSync(file) || (only.length && !only.includes(name))) continue
  const graph = JSON.parse(fs.readFileSync(file))
  const { made, prompt } = await page.evaluate(
    async ({ graph, note, name }) => {
      const app = window.app
      await app.loadApiJson(graph, name)
      await new Promise((done) => setTimeout(done, 800))
      // Columns by distance from the inputs, rows in the order of the file.
      const nodes = app.graph._nodes
      const depth = new Map()
      const depthOf = (node) => {
        if (depth.has(node.id)) return depth.get(node.id)
        depth.set(node.id, 0)
        const before = (node.inputs || [])
          .filter((i) => i.link != null)
          .map((i) => app.graph.getNodeById((app.graph.links.get?.(i.link) ?? app.graph.links[i.link]).origin_id))
        const value = before.length ? 1 + Math.max(...before.map(depthOf)) : 0
        depth.set(node.id, value)
        return value
      }
      nodes.forEach(depthOf)
      const columns = []
      for (const node of nodes) (columns[depth.get(node.id)] ||= []).push(node)
      let x = 0
      for (const column of columns) {
        let y = 0
        let width = 0
        for (const node of column) {
          const size = node.computeSize()
          const tall = { LoadImage: 330, LoadVideo: 330, SaveVideo: 360, PreviewImage: 300, PreviewAny: 260 }[node.type] || 0
          node.size = [Math.max(320, size[0]), Math.max(size[1], tall)]
          node.pos = [x, y]
          y += node.size[1] + 80
          width = Math.max(width, node.size[0])
        }
        x += width + 90
      }
      const text = window.LiteGraph.createNode('MarkdownNote')
      text.pos = [-470, 0]
      text.size = [400, 420]
      app.graph.add(text)
      text.widgets[0].value = note
      text.title = 'About this workflow'
      text.color = '#432'
      text.bgcolor = '#653'
      return { made: app.graph.serialize(), prompt: (await app.graphToPrompt()).output }
    },
    { graph, note, name },
  )
  // Inputs that a node has got since stand in the page's form with their defaults: the API form gets them as well.
  let grown = false
  for (const [id, node] of Object.entries(graph))
    for (const [input, value] of Object.entries(prompt[id].inputs))
      if (!(input in node.inputs) && input !== 'video-preview') {
        node.inputs[input] = value
        grown = true
      }
  if (grown) fs.writeFileSync(file, JSON.stringify(graph, null, 2) + '\n')
  fs.writeFileSync(path.join(root, 'workflows', `${name}.json`), JSON.stringify(made, null, 1) + '\n')
  if (shots) {
    await fitView(page)
    await page.screenshot({ path: path.join(shots, `${name}.png`) })
  }
  console.log(name, made.nodes.length)
}
await browser.close()
