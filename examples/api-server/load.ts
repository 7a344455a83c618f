// load.ts -- puts the example service under load: saves a thousand notes under a hundred titles and looks each up.
// Usage: npx tsx examples/api-server/load.ts [http://localhost:8080]

export {};

const base = process.argv[2] ?? 'http://localhost:8080';
const SAVES = 1000;
const TITLES = 100;

async function check(response: Response): Promise<void> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

for (let i = 0; i < SAVES; i++) {
  const url = `${base}/notes/note-${i % TITLES}`;
  await check(await fetch(url, { method: 'PUT', body: `text number ${i}, ${'x'.repeat(200)}` }));
  await check(await fetch(url));
}
console.log(`${SAVES} notes saved under ${TITLES} titles, and looked up`);
