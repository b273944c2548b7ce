// Checks the files that it is given with the parser and the semantic analysis of Neo4j, compiled to JavaScript by it, statement by
// statement as cypher-shell splits a file: node check.mjs FILE...
import { readFileSync } from 'node:fs'
import { lintCypherQuery } from '@neo4j-cypher/language-support'

// A statement ends with a semicolon at the end of a line: what is exported has no line ends in texts.
const statements = (text) => text.split(/(?<=;)\n/).filter((s) => s.replaceAll(/^\/\/.*$/gm, '').trim() !== '')

let failed = 0
let count = 0
const files = process.argv.slice(2)
for (const file of files) {
  const wrong = []
  for (const statement of statements(readFileSync(file, 'utf8'))) {
    count++
    for (const d of lintCypherQuery(statement, {}).diagnostics) {
      if (d.severity === 1) wrong.push(`${d.message}: ${JSON.stringify(statement.slice(Math.max(0, d.offsets.start - 40), d.offsets.end + 20))}`)
    }
  }
  wrong.slice(0, 10).forEach((w) => console.error(`${file}: ${w}`))
  failed += wrong.length > 0 ? 1 : 0
}
console.log(`cypher-syntax: ${files.length} files, ${count} statements, ${failed} files with errors`)
process.exitCode = failed > 0 || count === 0 ? 1 : 0
