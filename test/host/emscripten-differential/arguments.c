// getopt reads the program's options.
#include <getopt.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  const struct option known[] = {{"size", required_argument, NULL, 's'}, {"all", no_argument, NULL, 'a'}, {0}};
  printf("count %d end %d\n", argc, argv[argc] == NULL);
  for (int option; (option = getopt_long(argc, argv, "vs:a", known, NULL)) != -1;) {
    printf("option %c %s\n", option == '?' ? '!' : option, optarg == NULL ? "" : optarg);
  }
  for (int i = optind; i < argc; i++) printf("argument '%s' %d\n", argv[i], (int)strlen(argv[i]));
  argv[1][0] = '#';
  printf("written %c\n", argv[1][0]);
  return 0;
}
