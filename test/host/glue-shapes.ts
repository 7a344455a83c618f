// Emscripten's glue in the shapes that it had over the years: how it takes the module's options, makes its promise,
// marks its file system, ends the program, throws C++ exceptions and tells the time. The text is not Emscripten's,
// and contains only what programs/glue.c calls. The table says which version did what; the host must run under every
// shape.

export interface Shape {
  /** The Emscripten versions whose glue has this shape. */
  readonly versions: string;
  /** Whether the module of the glue is the object that its factory was given, or a copy of this object. */
  readonly module: 'given' | 'copied';
  /** What ends a program: the module's option `quit`, or only the glue. */
  readonly leaving: 'quit' | 'throw';
  /**
   * What the factory returns: the promise in a property, or the promise of an async function that waits before it
   * starts.
   */
  readonly factory: 'ready' | 'async';
  /** Which exports the glue calls: those of the instance that it receives, or those that instantiateWasm returns. */
  readonly exports: 'received' | 'returned';
  /** Where the file system records that it was initialised. */
  readonly initialized: 'init.initialized' | 'initialized';
  /**
   * What the glue throws for a C++ exception: its address, an object, or an abort when nothing catches the exception.
   */
  readonly exception: 'address' | 'object' | 'abort';
  readonly clock: 'hrtime' | 'performance';
}

export const SHAPES: readonly Shape[] = [
  {
    versions: '3.1.6 to 3.1.39',
    module: 'given',
    leaving: 'quit',
    factory: 'ready',
    exports: 'received',
    initialized: 'init.initialized',
    exception: 'address',
    clock: 'hrtime',
  },
  {
    versions: '3.1.40 to 3.1.44',
    module: 'given',
    leaving: 'quit',
    factory: 'ready',
    exports: 'received',
    initialized: 'init.initialized',
    exception: 'address',
    clock: 'performance',
  },
  {
    versions: '3.1.45 to 3.1.57, 3.1.61 to 3.1.64',
    module: 'given',
    leaving: 'quit',
    factory: 'ready',
    exports: 'returned',
    initialized: 'init.initialized',
    exception: 'address',
    clock: 'performance',
  },
  {
    versions: '3.1.58 to 3.1.60',
    module: 'copied',
    leaving: 'quit',
    factory: 'ready',
    exports: 'returned',
    initialized: 'init.initialized',
    exception: 'address',
    clock: 'performance',
  },
  {
    versions: '3.1.65 to 3.1.74',
    module: 'given',
    leaving: 'throw',
    factory: 'ready',
    exports: 'returned',
    initialized: 'initialized',
    exception: 'address',
    clock: 'performance',
  },
  {
    versions: '4.0.0 to 5.0.4',
    module: 'given',
    leaving: 'throw',
    factory: 'async',
    exports: 'received',
    initialized: 'initialized',
    exception: 'address',
    clock: 'performance',
  },
  {
    versions: '5.0.5 and later, with -fexceptions',
    module: 'given',
    leaving: 'throw',
    factory: 'async',
    exports: 'received',
    initialized: 'initialized',
    exception: 'object',
    clock: 'performance',
  },
  {
    versions: '5.0.5 and later',
    module: 'given',
    leaving: 'throw',
    factory: 'async',
    exports: 'received',
    initialized: 'initialized',
    exception: 'abort',
    clock: 'performance',
  },
];

/**
 * How the glue exports parts of its runtime. A link with ASSERTIONS has a getter that throws for each missing part; in
 * 2.0 to 3.1 it has a function that throws.
 */
export interface Exported {
  readonly FS: 'value' | 'missing' | 'getter' | 'function';
  readonly ENV: 'value' | 'missing' | 'getter' | 'function';
  /** Whether the glue takes the option preRun (INCOMING_MODULE_JS_API). */
  readonly preRun: boolean;
  /** Whether the glue runs main itself and tears down the blocks that the program kept. */
  readonly callMain: boolean;
}

export const ALL_EXPORTED: Exported = { FS: 'value', ENV: 'value', preRun: true, callMain: false };

const exporting = (name: 'FS' | 'ENV', how: Exported['FS']): string => {
  switch (how) {
    case 'value':
      return `Module["${name}"] = ${name};`;
    case 'missing':
      return '';
    case 'function':
      return `Module["${name}"] = function() { throw new Error("'${name}' was not exported. add it to EXPORTED_RUNTIME_METHODS (see the FAQ)") };`;
    case 'getter':
      return `Object.defineProperty(Module, "${name}", { configurable: true, get() { throw new Error("'${name}' was not exported"); } });`;
  }
};

const THROWS: Readonly<Record<Shape['exception'], string>> = {
  address: 'throw address;',
  object: 'throw new CppException(address);',
  abort: "throw new WebAssembly.RuntimeError('Aborted()');",
};

/** The text of glue with this shape. */
export function glueOf(shape: Shape, exported: Exported = ALL_EXPORTED): string {
  const leave = shape.leaving === 'quit' ? 'Module["quit"] || leaveProcess' : 'leaveProcess';
  return `
var heaplineModule = ${shape.factory === 'async' ? 'async ' : ''}function(moduleArg) {
  var Module = ${shape.module === 'given' ? 'moduleArg' : 'Object.assign({}, moduleArg)'};
  var process_ = process, fs = require('fs'), memory, table;
  function leaveProcess(status, toThrow) { process_.exitCode = status; throw toThrow; }
  var quit_ = ${leave};
  function ExitStatus(status) { this.name = 'ExitStatus'; this.message = 'exit ' + status; this.status = status; }
  function exit(status) { quit_(status, new ExitStatus(status)); }
  function CppException(address) { this.excPtr = address; }

  var ENV = { USER: 'web_user', LOGNAME: 'web_user', PATH: '/', PWD: '/', HOME: '/home/web_user', LANG: 'C.UTF-8', _: './this.program' };
  var FS = {
    streams: [],
    init() {
      if (FS.streams.length > 0) throw new Error('initialised twice');
      ${shape.initialized === 'initialized' ? 'FS.initialized' : 'FS.init.initialized'} = true;
      for (var fd = 0; fd < 3; fd++) FS.streams[fd] = { stream_ops: {}, tty: {} };
    },
    mkdirTree() {}, files: {},
    writeFile(path, contents) { FS.files[path] = contents; },
    readFile(path) { if (!(path in FS.files)) throw new Error('no such file'); return FS.files[path]; },
  };
  ${shape.initialized === 'initialized' ? 'FS.initialized' : 'FS.init.initialized'} = false;

  function words() { return new Uint32Array(memory.buffer); }
  function moved(fd, iov, count, result, method) {
    var total = 0, operations = FS.streams[fd].stream_ops;
    for (var i = 0; i < count; i++) {
      var length = words()[(iov >> 2) + 2 * i + 1];
      var n = operations[method](FS.streams[fd], new Int8Array(memory.buffer), words()[(iov >> 2) + 2 * i], length);
      total += n;
      if (n < length) break;
    }
    words()[result >> 2] = total;
    return 0;
  }
  function environment() {
    return Object.keys(ENV).filter(name => ENV[name] !== undefined).map(name => name + '=' + ENV[name] + '\\0');
  }
  var unused = () => { throw new Error('not needed'); };
  var env = {
    exit, __cxa_throw(address) { ${THROWS[shape.exception]} },
    emscripten_get_now() {
      ${
        shape.clock === 'hrtime'
          ? "var t = process_['hrtime'](); return t[0] * 1e3 + t[1] / 1e6;"
          : 'return performance.now();'
      }
    },
    emscripten_resize_heap: () => 0, emscripten_memcpy_big: unused, _emscripten_memcpy_js: unused, __syscall_fcntl64: unused,
    __syscall_open: unused, __syscall_openat: unused, __syscall_ioctl: () => 0, abort: unused, _abort_js: unused,
    proc_exit: exit, emscripten_notify_memory_growth() {}, _emscripten_memcpy_big: unused,
  };
  var wasi = {
    fd_write: (fd, iov, count, result) => moved(fd, iov, count, result, 'write'),
    fd_read: (fd, iov, count, result) => moved(fd, iov, count, result, 'read'),
    fd_close: () => 0, fd_seek: () => 70, proc_exit: exit,
    environ_sizes_get(count, size) {
      words()[count >> 2] = environment().length; words()[size >> 2] = environment().join('').length; return 0;
    },
    environ_get(pointers, text) {
      environment().forEach((entry, i) => {
        words()[(pointers >> 2) + i] = text;
        new Uint8Array(memory.buffer).set(new TextEncoder().encode(entry), text);
        text += entry.length;
      });
      return 0;
    },
  };

  function run() {
    ${exporting('FS', exported.FS)}
    ${exporting('ENV', exported.ENV)}
    ${exported.callMain ? 'Module["callMain"] = callMain;' : ''}
    ${exported.preRun ? 'for (var call of Module["preRun"] || []) call(Module);' : ''}
    if (!(${shape.initialized === 'initialized' ? 'FS.initialized' : 'FS.init.initialized'})) FS.init();
    (wasmExports.__wasm_call_ctors || (() => {}))();
  }
  var wasmExports;
  function callMain(args) {
    var texts = [Module["thisProgram"], ...args].map(text => new TextEncoder().encode(text + '\\0'));
    var size = texts.reduce((sum, text) => sum + text.length, 0) + 4 * (texts.length + 1) + 16;
    var argv = (wasmExports.__stack_pointer.value - size) & -16, at = argv + 4 * (texts.length + 1);
    wasmExports.__stack_pointer.value = argv;
    texts.forEach((text, i) => {
      words()[(argv >> 2) + i] = at; new Uint8Array(memory.buffer).set(text, at); at += text.length;
    });
    words()[(argv >> 2) + texts.length] = 0;
    var status = (wasmExports.main || wasmExports.__main_argc_argv)(texts.length, argv);
    wasmExports.tear_down();
    if (Module["onExit"]) Module["onExit"](status);
    try { exit(status); } catch (e) { if (!(e instanceof ExitStatus)) throw e; }
    return status;
  }
  function receive(instance) { wasmExports = instance.exports; memory = wasmExports.memory; }
  ${
    shape.factory === 'async'
      ? `await new Promise(resolve => Module.instantiateWasm({ env, wasi_snapshot_preview1: wasi }, instance => resolve(receive(instance))));
  await undefined;
  run();
  return Module;`
      : `Module.ready = new Promise((resolve, reject) => {
    try {
      var returned = Module.instantiateWasm({ env, wasi_snapshot_preview1: wasi }, instance => { receive(instance); });
      ${shape.exports === 'returned' ? 'wasmExports = returned;' : ''}
    } catch (e) { return; }
    Promise.resolve().then(run).then(() => resolve(Module), reject);
  });
  return Module.ready;`
  }
};
module.exports = heaplineModule;
`;
}
