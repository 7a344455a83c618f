/* Driver for expat: parses a generated document (namespaces, attributes, entities, CDATA, comments, a DTD) in
 * pieces, builds a tree from it, walks the tree and frees it. */

#include "driver.h"
#include "expat.h"

struct attribute {
  char *name, *value;
};

struct element {
  char *name;
  struct attribute *attributes;
  int attribute_count;
  struct element **children;
  int child_count, child_capacity;
  char *text;
  size_t text_length;
  struct element *parent;
};

struct builder {
  struct element *root, *current;
  int depth, deepest;
  uint32_t sum;
};

static char *copy(const char *text) {
  size_t size = strlen(text) + 1;
  char *bytes = malloc(size);
  if (bytes == NULL) fail("copy");
  return memcpy(bytes, text, size);
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes) {
  struct builder *builder = data;
  struct element *element = calloc(1, sizeof *element);
  if (element == NULL) fail("element");
  element->name = copy(name);
  while (attributes[element->attribute_count * 2] != NULL) element->attribute_count++;
  if (element->attribute_count > 0) {
    element->attributes = malloc((size_t)element->attribute_count * sizeof *element->attributes);
    if (element->attributes == NULL) fail("attributes");
    for (int i = 0; i < element->attribute_count; i++) {
      element->attributes[i].name = copy(attributes[i * 2]);
      element->attributes[i].value = copy(attributes[i * 2 + 1]);
    }
  }
  struct element *parent = element->parent = builder->current;
  if (parent == NULL) {
    builder->root = element;
  } else {
    if (parent->child_count == parent->child_capacity) {
      parent->child_capacity = parent->child_capacity == 0 ? 4 : parent->child_capacity * 2;
      parent->children = realloc(parent->children, (size_t)parent->child_capacity * sizeof *parent->children);
      if (parent->children == NULL) fail("children");
    }
    parent->children[parent->child_count++] = element;
  }
  builder->current = element;
  if (++builder->depth > builder->deepest) builder->deepest = builder->depth;
}

static void on_end(void *data, const XML_Char *name) {
  struct builder *builder = data;
  if (strcmp(builder->current->name, name) != 0) fail("end tag");
  builder->current = builder->current->parent;
  builder->depth--;
}

static void on_text(void *data, const XML_Char *text, int length) {
  struct element *element = ((struct builder *)data)->current;
  char *grown = realloc(element->text, element->text_length + (size_t)length + 1);
  if (grown == NULL) fail("text");
  memcpy(grown + element->text_length, text, (size_t)length);
  element->text_length += (size_t)length;
  grown[element->text_length] = '\0';
  element->text = grown;
}

static void on_comment(void *data, const XML_Char *text) {
  struct builder *builder = data;
  builder->sum = checksum_text(builder->sum, text);
}

static void on_namespace(void *data, const XML_Char *prefix, const XML_Char *uri) {
  struct builder *builder = data;
  if (prefix != NULL) builder->sum = checksum_text(builder->sum, prefix);
  if (uri != NULL) builder->sum = checksum_text(builder->sum, uri);
}

static uint32_t visit(const struct element *element, uint32_t sum) {
  sum = checksum_text(sum, element->name);
  for (int i = 0; i < element->attribute_count; i++) {
    sum = checksum_text(sum, element->attributes[i].name);
    sum = checksum_text(sum, element->attributes[i].value);
  }
  if (element->text != NULL) sum = checksum_text(sum, element->text);
  for (int i = 0; i < element->child_count; i++) sum = visit(element->children[i], sum);
  return sum;
}

static void release(struct element *element) {
  for (int i = 0; i < element->child_count; i++) release(element->children[i]);
  for (int i = 0; i < element->attribute_count; i++) {
    free(element->attributes[i].name);
    free(element->attributes[i].value);
  }
  free(element->attributes);
  free(element->children);
  free(element->text);
  free(element->name);
  free(element);
}

static void write_section(struct text *text, int depth, uint32_t *seed) {
  text_append(text, "<section id=\"s%u\" depth=\"%d\"", random_below(seed, 100000), depth);
  if (random_below(seed, 3) == 0) text_append(text, " xmlns:m=\"urn:meta:%u\" m:rank='%u'", random_below(seed, 5), depth);
  text_append(text, "><title>Section &amp; &product; %u</title>", random_below(seed, 1000));
  int paragraphs = 1 + (int)random_below(seed, 3);
  for (int i = 0; i < paragraphs; i++) {
    const char *language = random_below(seed, 2) ? "en" : "de";
    text_append(text, "<p lang=\"%s\">A paragraph with <em>words</em>, &lt;marks&gt; and &#%u; in it", language,
                0xe0 + random_below(seed, 30));
    if (random_below(seed, 4) == 0) text_append(text, "<![CDATA[ raw < text & more ]]>");
    text_append(text, "</p>\n");
  }
  if (random_below(seed, 5) == 0) text_append(text, "<!-- note %u -->", random_below(seed, 99));
  if (depth > 0) {
    for (int i = 1 + (int)random_below(seed, 3); i > 0; i--) write_section(text, depth - 1, seed);
  }
  text_append(text, "</section>");
}

int workload(int scale) {
  uint32_t sum = CHECKSUM_START;
  for (int round = 0; round < scale; round++) {
    uint32_t seed = 42u + (uint32_t)round;
    struct text document = {0};
    text_append(&document, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE book [\n"
                           "<!ENTITY product \"Heap <b>line</b> &#8212; tracked\">\n"
                           "<!ELEMENT book (section*)>\n<!ATTLIST book edition CDATA \"first\">\n]>\n"
                           "<book xmlns=\"urn:book\">");
    for (int i = 0; i < 20; i++) write_section(&document, 3, &seed);
    text_append(&document, "</book>\n");

    struct builder builder = {.sum = sum};
    XML_Parser parser = XML_ParserCreateNS(NULL, '|');
    if (parser == NULL) fail("parser");
    XML_SetHashSalt(parser, 12345);
    XML_SetUserData(parser, &builder);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetCommentHandler(parser, on_comment);
    XML_SetStartNamespaceDeclHandler(parser, on_namespace);
    for (size_t at = 0; at < document.length;) {
      size_t part = 500 + random_below(&seed, 8000);
      if (part > document.length - at) part = document.length - at;
      if (XML_Parse(parser, document.bytes + at, (int)part, at + part == document.length) != XML_STATUS_OK) {
        fail(XML_ErrorString(XML_GetErrorCode(parser)));
      }
      at += part;
    }
    XML_ParserFree(parser);
    sum = checksum_number(visit(builder.root, builder.sum), (uint32_t)builder.deepest);
    release(builder.root);
    free(document.bytes);
  }
  return (int)sum;
}

DRIVER_MAIN("expat")
