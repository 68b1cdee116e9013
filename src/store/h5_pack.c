#include "store/h5_pack.h"

#include <math.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"

#define MOST_ELEMENT 16
#define STORED_BITS 7.85 /* bits a byte from which Huffman codes save next to nothing */
#define REPEATS_BITS 3.0 /* bits a byte below which repetitions are likely */

struct pp_h5_packer {
    z_stream zip;
    int has_zip;
    unsigned char *planes, *out;
    size_t planes_room, out_room;
};

pp_h5_packer *pp_h5_packer_create(void)
{
    pp_h5_packer *packer = pp_alloc(1, sizeof *packer);
    if (packer == NULL) return NULL;
    packer->has_zip = deflateInit2(&packer->zip, 1, Z_DEFLATED, 15, 9, Z_HUFFMAN_ONLY) == Z_OK;
    if (!packer->has_zip) pp_h5_packer_destroy(&packer);
    return packer;
}

void pp_h5_packer_destroy(pp_h5_packer **packer)
{
    if (*packer == NULL) return;
    if ((*packer)->has_zip) deflateEnd(&(*packer)->zip);
    pp_free((*packer)->planes);
    pp_free((*packer)->out);
    PP_FREE(*packer);
}

uint32_t pp_h5_fletcher32(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t sum = 0, sum_of_sums = 0;
    size_t words = length / 2;
    while (words > 0) {
        /* so many that neither sum leaves 64 bits: 2^16 words of 2^16, summed twice */
        size_t block = words < 65536 ? words : 65536;
        words -= block;
        for (; block > 0; block--, at += 2) {
            sum += (uint64_t)at[0] << 8 | at[1];
            sum_of_sums += sum;
        }
        sum %= 65535;
        sum_of_sums %= 65535;
    }
    if (length % 2 != 0) {
        sum += (uint64_t)at[0] << 8;
        sum_of_sums += sum;
    }
    /* HDF5 folds carries in, so a sum divisible by 65535 shows as 65535; only zeros give 0 */
    int zeros = 1;
    for (size_t i = 0; zeros && i < length; i++) zeros = ((const unsigned char *)bytes)[i] == 0;
    if (zeros) return 0;
    uint32_t low = (uint32_t)(sum % 65535), high = (uint32_t)(sum_of_sums % 65535);
    return (high != 0 ? high : 65535) << 16 | (low != 0 ? low : 65535);
}

/* Byte b of every element into plane b, as HDF5's shuffle does. */
static void shuffle(unsigned char *planes, const unsigned char *chunk, size_t count, size_t element)
{
    for (size_t b = 0; b < element; b++) {
        unsigned char *plane = planes + b * count;
        const unsigned char *from = chunk + b;
        for (size_t i = 0; i < count; i++) plane[i] = from[i * element];
    }
}

/* Bits a byte that an ideal code for the bytes' frequencies would need. */
static double entropy_of(const unsigned char *plane, size_t count)
{
    uint32_t seen[4][256] = {{0}};
    for (size_t i = 0; i < count; i++) seen[i & 3][plane[i]]++; /* four: no waiting for itself */
    double bits = 0;
    for (int value = 0; value < 256; value++) {
        double share = 0;
        for (int part = 0; part < 4; part++) share += seen[part][value];
        share /= (double)count;
        if (share > 0) bits -= share * log2(share);
    }
    return bits;
}

/* One plane into the stream. Switching the method ends a block of it. */
static int deflate_plane(z_stream *zip, const unsigned char *plane, size_t count, int last)
{
    double bits = entropy_of(plane, count);
    int level = bits > STORED_BITS ? 0 : 1;
    int strategy = bits > REPEATS_BITS ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY;
    if (deflateParams(zip, level, strategy) != Z_OK) return -1;
    zip->next_in = (unsigned char *)(uintptr_t)plane;
    zip->avail_in = (uInt)count;
    int code = deflate(zip, last ? Z_FINISH : Z_NO_FLUSH);
    return code == (last ? Z_STREAM_END : Z_OK) ? 0 : -1;
}

static int make_room(unsigned char **buffer, size_t *room, size_t needed)
{
    if (needed <= *room) return 0;
    pp_free(*buffer);
    *buffer = pp_alloc(needed, 1);
    *room = *buffer != NULL ? needed : 0;
    return *buffer != NULL ? 0 : -1;
}

size_t pp_h5_pack(pp_h5_packer *packer, const void *chunk, size_t bytes, size_t element,
                  const void **packed)
{
    z_stream *zip = &packer->zip;
    size_t room = bytes + bytes / 256 + 4096; /* stored blocks cost 5 bytes in 16 KB and more */
    if (bytes == 0 || element == 0 || element > MOST_ELEMENT || bytes % element != 0 ||
        bytes > UINT32_MAX / 2) {
        return 0;
    }
    if (make_room(&packer->out, &packer->out_room, room) != 0) return 0;
    const unsigned char *planes = chunk;
    if (element > 1) {
        if (make_room(&packer->planes, &packer->planes_room, bytes) != 0) return 0;
        shuffle(packer->planes, chunk, bytes / element, element);
        planes = packer->planes;
    }
    if (deflateReset(zip) != Z_OK) return 0;
    zip->next_out = packer->out;
    zip->avail_out = (uInt)(room - 4);
    for (size_t b = 0; b < element; b++) {
        size_t count = bytes / element;
        if (deflate_plane(zip, planes + b * count, count, b + 1 == element) != 0) return 0;
    }
    size_t length = zip->total_out;
    uint32_t sum = pp_h5_fletcher32(packer->out, length);
    for (int i = 0; i < 4; i++) packer->out[length + (size_t)i] = (unsigned char)(sum >> 8 * i);
    *packed = packer->out;
    return length + 4;
}
