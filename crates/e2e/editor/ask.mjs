// A client of the YAML language server, as an editor with its defaults is one. Reads an object from standard input:
// `server` (the program), `folder`, `file`, `text` (what the editor shows of the file), `complete` and `hover` (places, lines
// and characters from 0). Prints an object with `diagnostics`, and for each place the labels that completion offers or the
// text that hovering shows.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { PACKAGES } = process.env;
const require = createRequire(`${PACKAGES}/`);
const { createProtocolConnection } = require('vscode-languageserver-protocol/node');

let input = '';
for await (const chunk of process.stdin) input += chunk;
const { server, folder, file, text, complete = [], hover = [] } = JSON.parse(input);

const child = spawn(process.execPath, [server, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
const connection = createProtocolConnection(child.stdout, child.stdin);
// The catalogue of schemas on the web is off: what the line in the file names must be enough.
const settings = { yaml: { schemaStore: { enable: false }, validate: true, completion: true, hover: true }, http: {} };
const uri = pathToFileURL(file).href;
const diagnostics = new Promise((resolve) => {
  connection.onNotification('textDocument/publishDiagnostics', (said) => said.uri === uri && resolve(said.diagnostics));
});
connection.onRequest('workspace/configuration', ({ items }) =>
  items.map(({ section }) => (section ? (settings[section] ?? {}) : settings)));
connection.onRequest('client/registerCapability', () => null);
connection.listen();
await connection.sendRequest('initialize', {
  processId: process.pid,
  rootUri: pathToFileURL(folder).href,
  workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'project' }],
  capabilities: {
    textDocument: { completion: { completionItem: { snippetSupport: true } }, hover: {}, publishDiagnostics: {} },
    workspace: { configuration: true, workspaceFolders: true },
  },
});
await connection.sendNotification('initialized', {});
await connection.sendNotification('workspace/didChangeConfiguration', { settings });
await connection.sendNotification('textDocument/didOpen', {
  textDocument: { uri, languageId: 'yaml', version: 1, text },
});
const at = (position) => ({ textDocument: { uri }, position });
const answers = { diagnostics: await diagnostics, complete: [], hover: [] };
for (const place of complete) {
  const list = await connection.sendRequest('textDocument/completion', at(place));
  answers.complete.push((list.items ?? list).map((item) => item.label));
}
for (const place of hover) {
  const shown = await connection.sendRequest('textDocument/hover', at(place));
  answers.hover.push(shown?.contents?.value ?? '');
}
console.log(JSON.stringify(answers));
await connection.sendRequest('shutdown');
await connection.sendNotification('exit');
