// The script that called one of our functions.

type PrepareStackTrace = NonNullable<ErrorConstructor['prepareStackTrace']>;

const keepSites: PrepareStackTrace = (_error, sites) => sites;

/**
 * Name of the script that called this function, as the engine knows it; null when it is not known.
 * @param callee a function that is active
 */
export function callerScript(callee: (...args: never[]) => unknown): string | null {
  const previous = Error.prepareStackTrace;
  const holder: { stack?: unknown } = {};
  try {
    Error.prepareStackTrace = keepSites;
    Error.captureStackTrace(holder, callee);
    const [site] = holder.stack as NodeJS.CallSite[];
    return site?.getScriptNameOrSourceURL() ?? null;
  } catch {
    return null; // The engine is not V8, or its `Error` is frozen.
  } finally {
    try {
      Error.prepareStackTrace = previous as PrepareStackTrace;
    } catch {
      // It is frozen, so it was never assigned.
    }
  }
}
