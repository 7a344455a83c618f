// The files that Emscripten's glue keeps in memory: saves and restores its nodes, names and open streams. They are plain
// objects whose fields differ from version to version, so all fields are saved, whatever they are.

/** The parts of FS that have the state of files. */
export interface FilesInGlue {
  readonly root: object;
  readonly streams: unknown[];
  readonly nameTable?: unknown[];
}

type Fields = Record<string, unknown>;

/** Saves all files, names and streams. Returns the function that restores them. */
export function savedFiles(fs: FilesInGlue): () => void {
  const parts = [...nodesOf(fs)].map(savedNode);
  for (const stream of fs.streams) {
    if (typeof stream !== 'object' || stream === null) continue;
    parts.push(savedFields(stream));
    // Since 3.1.2 streams that were duplicated share flags and position.
    const { shared } = stream as { shared?: unknown };
    if (typeof shared === 'object' && shared !== null) parts.push(savedFields(shared));
  }
  parts.push(savedFields(fs.streams), savedFields(fs.nameTable ?? []), savedFields(fs, isNumberOrText));
  return () => {
    for (const restore of parts) restore();
  };
}

/** The nodes of the tree, and those of files that are open and have no name any more. */
function nodesOf(fs: FilesInGlue): Set<Fields> {
  const nodes = new Set<Fields>();
  const waiting: unknown[] = [
    fs.root,
    ...fs.streams.map((stream) => (stream as { node?: unknown } | null)?.node),
  ];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== 'object' || node === null || nodes.has(node as Fields)) continue;
    nodes.add(node as Fields);
    const { contents, mounted } = node as { contents?: unknown; mounted?: { root?: unknown } | null };
    if (isDirectory(contents)) waiting.push(...Object.values(contents));
    waiting.push(mounted?.root);
  }
  return nodes;
}

function savedNode(node: Fields): () => void {
  const fields = savedFields(node);
  const { contents } = node;
  if (isDirectory(contents)) {
    const entries = savedFields(contents);
    return () => {
      fields();
      entries();
    };
  }
  if (!isBytes(contents)) return fields;
  const bytes = contents.slice();
  return () => {
    fields();
    node.contents = bytes.slice();
  };
}

/** The contents of a directory are an object from names to nodes; those of a file are bytes, or nothing. */
function isDirectory(contents: unknown): contents is Fields {
  return typeof contents === 'object' && contents !== null && !isBytes(contents);
}

function isBytes(contents: unknown): contents is Uint8Array | number[] {
  return ArrayBuffer.isView(contents) || Array.isArray(contents);
}

function isNumberOrText(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string';
}

/** Saves the own fields of an object. @param which fields with other values are left alone */
function savedFields(object: object, which: (value: unknown) => boolean = () => true): () => void {
  const saved = new Map(fieldsOf(object).filter(([, value]) => which(value)));
  const length = Array.isArray(object) ? object.length : null;
  return () => {
    for (const [name, value] of fieldsOf(object)) {
      if (which(value) && !saved.has(name)) delete (object as Fields)[name];
    }
    for (const [name, value] of saved) (object as Fields)[name] = value;
    if (length !== null) (object as unknown[]).length = length;
  };
}

// Accessors compute what other fields have.
function fieldsOf(object: object): [string, unknown][] {
  return Object.entries(Object.getOwnPropertyDescriptors(object)).flatMap(([name, { value, writable }]) =>
    writable === true ? [[name, value] as [string, unknown]] : [],
  );
}
