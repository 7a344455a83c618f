/* Driver for oniguruma: a highlighter that uses regular expressions, as editors have them. Compiles a grammar of some
 * twenty rules and hundreds of generated ones (most of each parse tree is folded away again), then tokenizes generated
 * source code: at every place the rule that matches first wins, and the tokens go into a list.
 */

#include "driver.h"
#include "oniguruma.h"

struct rule {
  const char *pattern;
  OnigOptionType options;
};

/* Properties by their POSIX names, because the library never frees its table of the others. */
static const struct rule grammar[] = {
    {"//.*$", ONIG_OPTION_NONE},
    {"/\\*(?:(?!\\*/)[\\s\\S])*\\*/", ONIG_OPTION_NONE},
    {"\"(?:[^\"\\\\\\n]|\\\\.)*+\"", ONIG_OPTION_NONE},
    {"'(?:\\\\(?:x\\h{1,2}|[0-7]{1,3}|.)|[^'\\\\])'", ONIG_OPTION_NONE},
    {"^\\s*#\\s*(?<directive>include|define|if(?:n?def)?|else|endif)\\b(?<rest>.*)$", ONIG_OPTION_NONE},
    {"\\b(?:if|else|for|while|do|switch|case|default|break|continue|return|goto)\\b", ONIG_OPTION_NONE},
    {"\\b(?:unsigned|signed|const|static|struct|union|enum|void|char|short|int|long|float|double)\\b", ONIG_OPTION_NONE},
    {"\\b0[xX]\\h+[uUlL]*\\b", ONIG_OPTION_NONE},
    {"\\b\\d+(?:\\.\\d*)?(?:[eE][-+]?\\d+)?[fFlLuU]*\\b", ONIG_OPTION_NONE},
    {"(?<name>[[:alpha:]_]\\w*)(?=\\s*\\()", ONIG_OPTION_NONE},
    {"(?<=->|\\.)[[:alpha:]_]\\w*", ONIG_OPTION_NONE},
    {"[[:upper:]_][[:upper:]\\d_]{2,}\\b", ONIG_OPTION_NONE},
    {"[[:alpha:]_]\\w*", ONIG_OPTION_NONE},
    {"(?<open>\\((?:[^()\\n]|\\g<open>)*\\))", ONIG_OPTION_NONE},
    {"<<=|>>=|\\.\\.\\.|[-+*/%&|^=!<>]=|&&|\\|\\||<<|>>|->|\\+\\+|--", ONIG_OPTION_NONE},
    {"(?<quote>[`@])(?:(?!\\k<quote>).)*\\k<quote>", ONIG_OPTION_NONE},
    {"\\b(?:todo|fixme|note)\\b:?", ONIG_OPTION_IGNORECASE},
    {"stra(?:\xc3\x9f|ss)e|\xc3\xa4nderung", ONIG_OPTION_IGNORECASE},
    {"[{}()\\[\\];,?:~!%^&*+=|<>./-]", ONIG_OPTION_NONE},
    {"(?x) (?<year> \\d{4} ) - (?<month> 0[1-9] | 1[0-2] ) - (?<day> \\d\\d )  # a date", ONIG_OPTION_NONE},
    {"(?:[a-z&&[^aeiou]]{3,}|[\\x{3b1}-\\x{3c9}]+)", ONIG_OPTION_NONE},
};
#define RULES (sizeof grammar / sizeof *grammar)

struct token {
  struct token *next;
  uint32_t rule, start, length;
  char text[];
};

static regex_t *compile(const char *pattern, size_t length, OnigOptionType options) {
  regex_t *regex;
  OnigErrorInfo error;
  int status = onig_new(&regex, (const UChar *)pattern, (const UChar *)pattern + length, options,
                        ONIG_ENCODING_UTF8, ONIG_SYNTAX_RUBY, &error);
  if (status != ONIG_NORMAL) {
    UChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
    onig_error_code_to_str(message, status, &error);
    fail((const char *)message);
  }
  return regex;
}

static int count_name(const UChar *name, const UChar *end, int groups, int *numbers, regex_t *regex, void *sum) {
  (void)numbers, (void)regex;
  *(uint32_t *)sum += (uint32_t)(end - name) * 31 + (uint32_t)groups + name[0];
  return 0;
}

/* Text that looks like source code from far away. */
static void write_line(struct text *text, uint32_t *seed) {
  static const char *const names[] = {"buffer", "count", "MAX_SIZE", "node", "left", "right", "hash", "xbcdf"};
  const char *a = names[random_below(seed, 8)];
  const char *b = names[random_below(seed, 8)];
  uint32_t n = random_below(seed, 100000);
  switch (random_below(seed, 10)) {
    case 0: text_append(text, "#include <%s/%s.h>\n", a, b); break;
    case 1: text_append(text, "  if (%s->%s > 0x%x && !%s(%s)) return %u;\n", a, b, n, b, a, n); break;
    case 2: text_append(text, "  // NOTE: %s before %s, \xc3\xa4NDERUNG 2%03u-0%u-1%u\n", a, b, n % 1000, 1 + n % 9, n % 10); break;
    case 3: text_append(text, "  printf(\"%s: %%d \\\"%s\\\"\\n\", %s.%s);\n", a, b, a, b); break;
    case 4: text_append(text, "static unsigned int %s(const char *%s, int %s) {\n", a, b, a); break;
    case 5: text_append(text, "  for (int i = 0; i < %u; i++) %s[i] <<= (%s(i) + (%s * 2));\n}\n", n, a, b, a); break;
    case 6: text_append(text, "  /* %s, STRASSE and stra\xc3\x9f" "e,\n   * %s \xce\xb1\xce\xb2\xce\xb3 */\n", a, b); break;
    case 7: text_append(text, "  char %s = '\\x%02x', %s = 'q'; double d = %u.%ue-%u;\n", a, n & 255, b, n, n % 7, n % 30); break;
    case 8: text_append(text, "  `%s %u` @%s@ ...\n", a, n, b); break;
    default: text_append(text, "  struct %s *%s = %s(sizeof *%s);\n", a, b, b, b); break;
  }
}

/* A rule as a generator of grammars writes it: alternatives with shared beginnings, classes, repeats and groups,
 * nested a few levels deep. */
static void write_pattern(struct text *pattern, int depth, uint32_t *seed) {
  int alternatives = 1 + (int)random_below(seed, 4);
  for (int i = 0; i < alternatives; i++) {
    /* Each starts with a letter: if it were only look-ahead, nothing could be repeated. */
    text_append(pattern, i > 0 ? "|%c" : "%c", 'a' + (char)random_below(seed, 26));
    for (int k = (int)random_below(seed, 4); k > 0; k--) {
      uint32_t letter = random_below(seed, 20);
      switch (random_below(seed, depth > 0 ? 7 : 4)) {
        case 0: text_append(pattern, "%c%c", 'a' + letter, 'f' + letter); break;
        case 1: text_append(pattern, "[%c-%c_\\d]{1,%u}", 'a' + letter, 'f' + letter, 2 + letter % 3); break;
        case 2: text_append(pattern, "\\b%c\\w*?", 'a' + letter); break;
        case 3: text_append(pattern, "[^%c\\s]+", 'a' + letter); break;
        case 4:
          text_append(pattern, "(?=");
          write_pattern(pattern, depth - 1, seed);
          text_append(pattern, ")");
          break;
        default:
          text_append(pattern, letter % 3 == 0 ? "(" : letter % 3 == 1 ? "(?:" : "(?i:");
          write_pattern(pattern, depth - 1, seed);
          text_append(pattern, letter % 2 ? ")?" : ")");
          break;
      }
    }
  }
}

static uint32_t generated_rules(const struct text *source, uint32_t *seed, uint32_t sum) {
  const UChar *start = (const UChar *)source->bytes, *end = start + source->length;
  for (int i = 0; i < 250; i++) {
    struct text pattern = {0};
    write_pattern(&pattern, 3, seed);
    regex_t *regex = compile(pattern.bytes, pattern.length, i % 8 == 0 ? ONIG_OPTION_IGNORECASE : ONIG_OPTION_NONE);
    OnigRegion *region = onig_region_new();
    const UChar *limit = end - start > 400 ? start + 400 : end;
    int found = onig_search(regex, start, limit, start, limit, region, ONIG_OPTION_NONE);
    sum = checksum_number(sum, (uint32_t)found);
    sum = checksum_number(sum, (uint32_t)onig_number_of_captures(regex));
    onig_region_free(region, 1);
    onig_free(regex);
    free(pattern.bytes);
  }
  return sum;
}

/* The next match of each rule is remembered until the text has passed it, as in editors. */
static struct token *tokenize(regex_t *const *rules, const struct text *source) {
  const UChar *start = (const UChar *)source->bytes, *end = start + source->length;
  OnigRegion *regions[RULES];
  int next[RULES];
  for (size_t i = 0; i < RULES; i++) {
    regions[i] = onig_region_new();
    next[i] = -2; /* not searched yet */
  }
  struct token *first = NULL, **link = &first;
  for (int at = 0; at < (int)source->length;) {
    size_t best = RULES;
    for (size_t i = 0; i < RULES; i++) {
      if (next[i] != ONIG_MISMATCH && next[i] < at)
        next[i] = onig_search(rules[i], start, end, start + at, end, regions[i], ONIG_OPTION_NONE);
      if (next[i] >= 0 && (best == RULES || next[i] < next[best])) best = i;
    }
    if (best == RULES) break;
    uint32_t length = (uint32_t)(regions[best]->end[0] - next[best]);
    struct token *token = malloc(sizeof *token + length + 1);
    if (token == NULL) fail("token");
    *token = (struct token){NULL, (uint32_t)best, (uint32_t)next[best], length};
    memcpy(token->text, source->bytes + next[best], length);
    token->text[length] = '\0';
    *link = token;
    link = &token->next;
    at = next[best] + (length > 0 ? (int)length : 1);
  }
  for (size_t i = 0; i < RULES; i++) onig_region_free(regions[i], 1);
  return first;
}

int workload(int scale) {
  uint32_t sum = CHECKSUM_START;
  for (int round = 0; round < scale; round++) {
    uint32_t seed = 7u + (uint32_t)round;
    struct text source = {0};
    for (int i = 0; i < 100; i++) write_line(&source, &seed);

    regex_t *rules[RULES];
    for (size_t i = 0; i < RULES; i++) {
      rules[i] = compile(grammar[i].pattern, strlen(grammar[i].pattern), grammar[i].options);
      onig_foreach_name(rules[i], count_name, &sum);
    }
    sum = generated_rules(&source, &seed, sum);
    struct token *tokens = tokenize(rules, &source);
    for (struct token *token = tokens, *next; token != NULL; token = next) {
      next = token->next;
      sum = checksum_number(sum, token->rule);
      sum = checksum_number(sum, token->start);
      sum = checksum_bytes(sum, token->text, token->length);
      free(token);
    }
    for (size_t i = 0; i < RULES; i++) onig_free(rules[i]);
    free(source.bytes);
    onig_end();
  }
  return (int)sum;
}

DRIVER_MAIN("oniguruma")
