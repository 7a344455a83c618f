/* Driver for tree-sitter with its JSON grammar: parses a generated document, walks the tree, runs a query, then
 * edits the text again and again and reparses with the old tree. */

#include "driver.h"
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_json(void);

static void write_value(struct text *text, int depth, uint32_t *seed) {
  uint32_t whole = random_below(seed, 1000);
  switch (depth == 0 ? random_below(seed, 4) : 4 + random_below(seed, 2)) {
    case 0: text_append(text, "%u.%u", whole, random_below(seed, 100)); break;
    case 1: text_append(text, "\"text \\n %u \\u00e9\"", whole); break;
    case 2: text_append(text, "%s", random_below(seed, 2) ? "true" : "false"); break;
    case 3: text_append(text, "null"); break;
    case 4:
      text_append(text, "[");
      for (uint32_t i = 0, count = 1 + random_below(seed, 6); i < count; i++) {
        if (i > 0) text_append(text, ", ");
        write_value(text, random_below(seed, 3) == 0 ? 0 : depth - 1, seed);
      }
      text_append(text, "]");
      break;
    default:
      text_append(text, "{");
      for (uint32_t i = 0, count = 1 + random_below(seed, 6); i < count; i++) {
        text_append(text, "%s\n%*s\"key%u\": ", i > 0 ? "," : "", 8 - depth, "", random_below(seed, 50));
        write_value(text, random_below(seed, 3) == 0 ? 0 : depth - 1, seed);
      }
      text_append(text, "}");
  }
}

/* Depth-first over all nodes, named and anonymous. */
static uint32_t walk(TSTree *tree, uint32_t sum) {
  TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
  for (;;) {
    TSNode node = ts_tree_cursor_current_node(&cursor);
    sum = checksum_text(sum, ts_node_type(node));
    sum = checksum_number(sum, ts_node_start_byte(node));
    sum = checksum_number(sum, ts_node_end_byte(node));
    if (ts_tree_cursor_goto_first_child(&cursor)) continue;
    while (!ts_tree_cursor_goto_next_sibling(&cursor)) {
      if (!ts_tree_cursor_goto_parent(&cursor)) {
        ts_tree_cursor_delete(&cursor);
        return sum;
      }
    }
  }
}

static uint32_t run_query(const TSLanguage *language, TSTree *tree, const char *source, uint32_t sum) {
  static const char pattern[] =
      "(pair key: (string (string_content) @key) value: (number) @value)\n"
      "((array (number) @first . (number) @second))\n"
      "[(true) (false) (null)] @constant";
  uint32_t offset;
  TSQueryError error;
  TSQuery *query = ts_query_new(language, pattern, sizeof pattern - 1, &offset, &error);
  if (query == NULL) fail("query");
  TSQueryCursor *cursor = ts_query_cursor_new();
  ts_query_cursor_exec(cursor, query, ts_tree_root_node(tree));
  TSQueryMatch match;
  while (ts_query_cursor_next_match(cursor, &match)) {
    sum = checksum_number(sum, match.pattern_index);
    for (uint16_t i = 0; i < match.capture_count; i++) {
      uint32_t start = ts_node_start_byte(match.captures[i].node), end = ts_node_end_byte(match.captures[i].node);
      sum = checksum_bytes(sum, source + start, end - start);
    }
  }
  ts_query_cursor_delete(cursor);
  ts_query_delete(query);
  return sum;
}

static TSPoint point_at(const char *source, uint32_t offset) {
  TSPoint point = {0, 0};
  for (uint32_t i = 0; i < offset; i++) {
    if (source[i] == '\n') point = (TSPoint){point.row + 1, 0};
    else point.column++;
  }
  return point;
}

/* Replaces `removed` bytes at `at` in the text, and tells the tree. */
static void edit(struct text *source, TSTree *tree, uint32_t at, uint32_t removed, const char *inserted) {
  uint32_t added = (uint32_t)strlen(inserted);
  TSInputEdit change = {.start_byte = at, .old_end_byte = at + removed, .new_end_byte = at + added};
  change.start_point = point_at(source->bytes, at);
  change.old_end_point = point_at(source->bytes, at + removed);
  size_t tail = source->length - at - removed;
  if (source->length + added + 1 > source->capacity) {
    source->capacity = (source->length + added) * 2;
    source->bytes = realloc(source->bytes, source->capacity);
    if (source->bytes == NULL) fail("edit");
  }
  memmove(source->bytes + at + added, source->bytes + at + removed, tail + 1);
  memcpy(source->bytes + at, inserted, added);
  source->length += added;
  source->length -= removed;
  change.new_end_point = point_at(source->bytes, at + added);
  ts_tree_edit(tree, &change);
}

int workload(int scale) {
  uint32_t sum = CHECKSUM_START;
  const TSLanguage *language = tree_sitter_json();
  for (int round = 0; round < scale; round++) {
    uint32_t seed = 7u + (uint32_t)round * 13u;
    struct text source = {0};
    text_append(&source, "[");
    for (int i = 0; i < 40; i++) {
      if (i > 0) text_append(&source, ",\n");
      write_value(&source, 4, &seed);
    }
    text_append(&source, "]\n");

    TSParser *parser = ts_parser_new();
    if (!ts_parser_set_language(parser, language)) fail("language version");
    TSTree *tree = ts_parser_parse_string(parser, NULL, source.bytes, (uint32_t)source.length);
    sum = walk(tree, sum);
    sum = run_query(language, tree, source.bytes, sum);
    static const char *const insertions[] = {"1", "\"x\"", "{\"new\": [1, 2]}", "[", "}", " "};
    for (int i = 0; i < 25; i++) {
      uint32_t at = random_below(&seed, (uint32_t)source.length - 8);
      uint32_t removed = random_below(&seed, 4);
      edit(&source, tree, at, removed, insertions[random_below(&seed, 6)]);
      TSTree *next = ts_parser_parse_string(parser, tree, source.bytes, (uint32_t)source.length);
      uint32_t ranges;
      TSRange *changed = ts_tree_get_changed_ranges(tree, next, &ranges);
      sum = checksum_number(sum, ranges);
      free(changed);
      ts_tree_delete(tree);
      tree = next;
    }
    sum = walk(tree, sum);
    TSTree *kept = ts_tree_copy(tree);
    char *printed = ts_node_string(ts_node_child(ts_tree_root_node(kept), 0));
    sum = checksum_text(sum, printed);
    free(printed);
    ts_tree_delete(kept);
    ts_tree_delete(tree);
    ts_parser_delete(parser);
    free(source.bytes);
  }
  return (int)sum;
}

DRIVER_MAIN("tree-sitter")
