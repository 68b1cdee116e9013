/* Small pictures for archives. */
#ifndef PP_PIPELINE_THUMBNAIL_H
#define PP_PIPELINE_THUMBNAIL_H

#include <stdint.h>

#define PP_THUMBNAIL_SIZE 112

/* rgb [size, size, 3] -> thumbnail [PP_THUMBNAIL_SIZE, PP_THUMBNAIL_SIZE, 3]: each pixel the mean
 * of the area it covers (a box filter), in whole numbers, rounded. size: 1 to 4096. */
void pp_thumbnail(const uint8_t *rgb, int size, uint8_t *thumbnail);

#endif
