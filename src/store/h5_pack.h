/* Whole chunks packed by ourselves: the same formats as HDF5's shuffle, deflate and fletcher32
 * filters, several times faster. Internal to src/store.
 *
 * What shuffle leaves is a plane a byte of the element. The low bytes of floats are noise: looking
 * for repetitions in them is most of zlib's time and finds nothing. So a plane of noise is stored,
 * one of uneven bytes only gets Huffman codes, and one that repeats itself gets zlib's level 1.
 * All of it is one plain zlib stream that any reader of HDF5 unpacks.
 */
#ifndef PP_STORE_H5_PACK_H
#define PP_STORE_H5_PACK_H

#include <stddef.h>
#include <stdint.h>

typedef struct pp_h5_packer pp_h5_packer;

pp_h5_packer *pp_h5_packer_create(void); /* NULL: no memory */
void pp_h5_packer_destroy(pp_h5_packer **packer);

/* Packs `bytes` of elements of `element` bytes each. *packed is the packer's own, until the next
 * call. Returns its length, or 0 where there is no memory. */
size_t pp_h5_pack(pp_h5_packer *packer, const void *chunk, size_t bytes, size_t element,
                  const void **packed);

/* The checksum of HDF5's fletcher32 filter: Fletcher's sums (J. G. Fletcher, IEEE Trans. Comm. 30,
 * 1982) over big-endian 16-bit words, an odd last byte taken as a word's upper half. */
uint32_t pp_h5_fletcher32(const void *bytes, size_t length);

#endif
