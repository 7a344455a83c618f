/* Driver for duktape: runs JavaScript programs on fresh heaps (objects, strings, closures, regular expressions,
 * JSON, sorting, exceptions, garbage). JavaScript calls C functions and C calls back. Its errors are longjmps. */

#include "driver.h"
#include "duktape.h"

static const char *const programs[] = {
    /* Objects and closures. */
    "function Account(owner) { var balance = 0; this.owner = owner;"
    "  this.deposit = function (n) { balance += n; return this; }; this.balance = function () { return balance; }; }"
    "var accounts = [];"
    "for (var i = 0; i < 300; i++) accounts.push(new Account('owner' + i).deposit(i).deposit(i * 2));"
    "var total = 0; accounts.forEach(function (a) { total += a.balance(); }); emit(total);"
    "emit(accounts.map(function (a) { return a.owner; }).join('|').length);",
    /* Strings. */
    "var words = 'the quick brown fox jumps over the lazy dog'.split(' '), text = '';"
    "for (var i = 0; i < 400; i++) text += words[(i * 7) % words.length] + (i % 10 ? ' ' : '\\n');"
    "emit(text.length); emit(text.toUpperCase().indexOf('FOX JUMPS'));"
    "emit(text.split('\\n').map(function (s) { return s.trim().length; }).join());"
    "emit(encodeURIComponent(text.slice(0, 50)) + text.charCodeAt(77));",
    /* Regular expressions. */
    "var log = ''; for (var i = 0; i < 60; i++)"
    "  log += '10.0.' + i % 4 + '.' + i + ' GET /item/' + i * 31 + '?q=' + i % 7 + ' 200\\n';"
    "var counts = {}, pattern = /^(\\d+\\.\\d+\\.(\\d+)\\.\\d+) (GET|POST) \\/item\\/(\\d+)\\?q=(\\d) (\\d{3})$/gm, m;"
    "while ((m = pattern.exec(log)) !== null) counts[m[2] + ':' + m[5]] = (counts[m[2] + ':' + m[5]] || 0) + 1;"
    "emit(JSON.stringify(counts)); emit(log.replace(/\\d+/g, function (d) { return d.length; }).length);",
    /* JSON, written and read. */
    "function make(depth) { if (depth === 0) return [1, 'two', null, true];"
    "  return { left: make(depth - 1), right: make(depth - 1), depth: depth, name: 'node' + depth }; }"
    "var tree = make(7), text = JSON.stringify(tree), again = JSON.parse(text);"
    "emit(text.length); emit(JSON.stringify(again) === text); emit(JSON.stringify(again, null, 2).length);",
    /* Sorting and arrays. */
    "var seed = 1234567, list = []; function next() { seed = (seed * 1103515245 + 12345) % 2147483648; return seed; }"
    "for (var i = 0; i < 500; i++) list.push({ key: next() % 1000, text: 'k' + i });"
    "list.sort(function (a, b) { return a.key - b.key || (a.text < b.text ? -1 : 1); });"
    "emit(list.slice(0, 20).map(function (e) { return e.key + e.text; }).join());"
    "emit(list.filter(function (e) { return e.key % 2; }).reduce(function (s, e) { return s + e.key; }, 0));",
    /* Exceptions through C frames, and recursion. */
    "var caught = 0; for (var i = 0; i < 50; i++) {"
    "  try { callback(function () { if (i % 3) throw new RangeError('number ' + i); return i; }); }"
    "  catch (e) { caught += e.message.length; } }"
    "emit(caught); function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); } emit(fib(15));"
    "try { undefinedFunction(); } catch (e) { emit(e.name); }",
};

static uint32_t sum;

/* emit(value): adds the value's text to the checksum. */
static duk_ret_t emit(duk_context *context) {
  sum = checksum_text(sum, duk_to_string(context, 0));
  return 0;
}

/* callback(f): calls f from C. */
static duk_ret_t callback(duk_context *context) {
  duk_dup(context, 0);
  duk_call(context, 0);
  return 1;
}

static void fatal(duk_context *context, duk_errcode_t code, const char *message) {
  (void)context;
  (void)code;
  fail(message == NULL ? "duktape" : message);
}

int workload(int scale) {
  sum = CHECKSUM_START;
  for (int round = 0; round < scale; round++) {
    duk_context *context = duk_create_heap(NULL, NULL, NULL, NULL, fatal);
    if (context == NULL) fail("heap");
    duk_push_global_object(context);
    duk_push_c_function(context, emit, 1);
    duk_put_prop_string(context, -2, "emit");
    duk_push_c_function(context, callback, 1);
    duk_put_prop_string(context, -2, "callback");
    duk_pop(context);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
      if (duk_peval_string(context, programs[i]) != 0) fail(duk_safe_to_string(context, -1));
      duk_pop(context);
    }
    /* A stack of values built from C. */
    for (int i = 0; i < 200; i++) {
      duk_push_object(context);
      duk_push_sprintf(context, "value %d", i * round);
      duk_put_prop_string(context, -2, "text");
      duk_json_encode(context, -1);
      sum = checksum_text(sum, duk_get_string(context, -1));
      duk_pop(context);
    }
    duk_gc(context, 0);
    duk_destroy_heap(context);
  }
  return (int)sum;
}

DRIVER_MAIN("duktape")
