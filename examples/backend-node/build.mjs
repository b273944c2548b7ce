// Makes the backend one file: npm ci && npm run build [-- FILE]. The proto files become a part of it.
import { chmodSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import protobuf from 'protobufjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const protos = new protobuf.Root()
protos.resolvePath = (origin, target) => here(`../../shared/rpc/proto/${target}`) // a backend of your own has copies
protos.loadSync('atg/backend/v1/backend.proto', { keepCase: true })

const outfile = process.argv[2] ?? here('atg-backend-folder')
await build({
  entryPoints: [here('main.js')], outfile, bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'warning',
  banner: { js: `#!${process.execPath}` }, define: { PROTOS: JSON.stringify(protos.toJSON()) },
})
chmodSync(outfile, 0o755)
console.log(outfile)
