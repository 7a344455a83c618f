/* Driver for lz4: blocks at several sizes and levels, frames with linked and independent blocks, streams with
 * dictionaries. Every output is decompressed again and compared.
 * Sizes are not part of the checksum, because lz4 finds other matches on 64-bit machines. */

#include "driver.h"
#include "lz4.h"
#include "lz4frame.h"
#include "lz4hc.h"

/* Half prose from a small vocabulary, half noise in short runs: compresses about as well as log files. */
static char *make_input(size_t length, uint32_t seed) {
  static const char *const words[] = {"the ",  "request ", "served ", "from ",    "cache ", "in ",
                                      "time ", "error: ",  "retry ",  "connect ", "id=",    "\n"};
  char *input = malloc(length + 16);
  if (input == NULL) fail("input");
  size_t at = 0;
  while (at < length) {
    if (random_below(&seed, 4) == 0) {
      for (uint32_t run = 1 + random_below(&seed, 6); run > 0 && at < length; run--) {
        input[at++] = (char)('0' + random_below(&seed, 64));
      }
    } else {
      const char *word = words[random_below(&seed, sizeof words / sizeof *words)];
      size_t size = strlen(word);
      memcpy(input + at, word, size);
      at += size;
    }
  }
  return input;
}

static uint32_t block(const char *input, int length, int level, uint32_t sum) {
  int bound = LZ4_compressBound(length);
  char *packed = malloc((size_t)bound);
  char *unpacked = malloc((size_t)length);
  if (packed == NULL || unpacked == NULL) fail("block buffers");
  int size = level == 0 ? LZ4_compress_default(input, packed, length, bound)
                        : LZ4_compress_HC(input, packed, length, bound, level);
  if (size <= 0) fail("compress block");
  if (LZ4_decompress_safe(packed, unpacked, size, length) != length) fail("decompress block");
  if (memcmp(input, unpacked, (size_t)length) != 0) fail("block differs");
  sum = checksum_bytes(sum, unpacked, (size_t)length);
  free(unpacked);
  free(packed);
  return sum;
}

static uint32_t frame(const char *input, size_t length, int level, LZ4F_blockMode_t mode, uint32_t sum) {
  LZ4F_preferences_t preferences;
  memset(&preferences, 0, sizeof preferences);
  preferences.compressionLevel = level;
  preferences.frameInfo.blockMode = mode;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  LZ4F_cctx *compression;
  LZ4F_dctx *decompression;
  if (LZ4F_isError(LZ4F_createCompressionContext(&compression, LZ4F_VERSION))) fail("compression context");
  if (LZ4F_isError(LZ4F_createDecompressionContext(&decompression, LZ4F_VERSION))) fail("decompression context");

  const size_t chunk = 20000;
  size_t capacity = length + length / 8 + 1024 + LZ4F_compressBound(chunk, &preferences);
  char *packed = malloc(capacity);
  if (packed == NULL) fail("frame buffer");
  size_t size = LZ4F_compressBegin(compression, packed, capacity, &preferences);
  for (size_t at = 0; at < length; at += chunk) {
    size_t part = length - at < chunk ? length - at : chunk;
    size_t written = LZ4F_compressUpdate(compression, packed + size, capacity - size, input + at, part, NULL);
    if (LZ4F_isError(written)) fail(LZ4F_getErrorName(written));
    size += written;
  }
  size_t last = LZ4F_compressEnd(compression, packed + size, capacity - size, NULL);
  if (LZ4F_isError(last)) fail(LZ4F_getErrorName(last));
  size += last;

  char *unpacked = malloc(length);
  if (unpacked == NULL) fail("frame output");
  size_t consumed = 0, produced = 0;
  while (consumed < size) {
    size_t in = size - consumed < 7001 ? size - consumed : 7001, out = length - produced;
    size_t hint = LZ4F_decompress(decompression, unpacked + produced, &out, packed + consumed, &in, NULL);
    if (LZ4F_isError(hint)) fail(LZ4F_getErrorName(hint));
    consumed += in;
    produced += out;
  }
  if (produced != length || memcmp(input, unpacked, length) != 0) fail("frame differs");
  sum = checksum_bytes(sum, unpacked, length);
  free(unpacked);
  free(packed);
  LZ4F_freeDecompressionContext(decompression);
  LZ4F_freeCompressionContext(compression);
  return sum;
}

/* Messages of a kilobyte or so, each compressed with the ones before it as the dictionary. */
static uint32_t stream(const char *input, int length, int high, uint32_t sum) {
  LZ4_stream_t *fast = high ? NULL : LZ4_createStream();
  LZ4_streamHC_t *slow = high ? LZ4_createStreamHC() : NULL;
  LZ4_streamDecode_t *decode = LZ4_createStreamDecode();
  char *unpacked = malloc((size_t)length);
  if ((fast == NULL && slow == NULL) || decode == NULL || unpacked == NULL) fail("stream");
  LZ4_setStreamDecode(decode, NULL, 0);
  uint32_t seed = 77;
  for (int at = 0; at < length;) {
    int part = 200 + (int)random_below(&seed, 1800);
    if (part > length - at) part = length - at;
    int bound = LZ4_compressBound(part);
    char *packed = malloc((size_t)bound);
    if (packed == NULL) fail("message");
    int size = high ? LZ4_compress_HC_continue(slow, input + at, packed, part, bound)
                    : LZ4_compress_fast_continue(fast, input + at, packed, part, bound, 1);
    if (size <= 0) fail("compress message");
    if (LZ4_decompress_safe_continue(decode, packed, unpacked + at, size, part) != part) fail("message");
    free(packed);
    at += part;
  }
  if (memcmp(input, unpacked, (size_t)length) != 0) fail("stream differs");
  sum = checksum_bytes(sum, unpacked, (size_t)length);
  free(unpacked);
  LZ4_freeStreamDecode(decode);
  if (high) LZ4_freeStreamHC(slow);
  else LZ4_freeStream(fast);
  return sum;
}

int workload(int scale) {
  static const int sizes[] = {100, 4096, 65536, 200000};
  uint32_t sum = CHECKSUM_START;
  for (int round = 0; round < scale; round++) {
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      char *input = make_input((size_t)sizes[i], 1u + (uint32_t)round * 31u + (uint32_t)i);
      sum = block(input, sizes[i], 0, sum);
      sum = block(input, sizes[i], 6, sum);
      sum = frame(input, (size_t)sizes[i], 0, LZ4F_blockLinked, sum);
      sum = frame(input, (size_t)sizes[i], 5, LZ4F_blockIndependent, sum);
      free(input);
    }
    char *input = make_input(150000, 1000u + (uint32_t)round);
    sum = stream(input, 150000, 0, sum);
    sum = stream(input, 150000, 1, sum);
    free(input);
  }
  return (int)sum;
}

DRIVER_MAIN("lz4")
