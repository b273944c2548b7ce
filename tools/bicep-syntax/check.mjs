// Parses the files that it is given with the Bicep grammar of tree-sitter, and says where they are none: node check.mjs FILE...
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Language, Parser } from 'web-tree-sitter'

await Parser.init()
const grammar = createRequire(import.meta.url).resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')
const parser = new Parser()
parser.setLanguage(await Language.load(readFileSync(grammar)))

// What the grammar, 1.1.0, does not know, in the words that it does: a parameter's value in a .bicepparam, and a string that begins like
// a comment. Nothing else is changed, and lines stay where they are.
const known = (text) => text.replaceAll(/^param (\w+) =/gm, 'var $1 =').replaceAll("'//", "'/-")

let failed = 0
const files = process.argv.slice(2)
for (const file of files) {
  const tree = parser.parse(known(readFileSync(file, 'utf8')))
  const wrong = []
  const visit = (node) => {
    if (node.isError || node.isMissing) wrong.push(node)
    else if (node.hasError) node.children.forEach(visit)
  }
  visit(tree.rootNode)
  for (const node of wrong) {
    const line = node.startPosition.row + 1
    console.error(`${file}:${line}: ${node.isMissing ? `${node.type} is missing` : `no Bicep: ${JSON.stringify(node.text.slice(0, 60))}`}`)
  }
  failed += wrong.length > 0 ? 1 : 0
}
console.log(`bicep-syntax: ${files.length} files, ${failed} of them with errors`)
process.exitCode = failed > 0 || files.length === 0 ? 1 : 0
