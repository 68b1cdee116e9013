/* Whether other frames refer to a coded picture, from its packet alone. Pure. */
#ifndef PP_MEDIA_DECODER_REFERENCE_H
#define PP_MEDIA_DECODER_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>

/* 1 where no other frame refers to it, so that it may be left out; 0 where one may. Sources:
 * ITU-T H.264 7.4.1 (nal_ref_idc), H.265 7.4.2.2 (sub-layer non-reference pictures),
 * H.262 6.3.9 (picture_coding_type), ISO/IEC 14496-2 6.3.5 (vop_coding_type). */
int pp_packet_is_disposable(const AVCodecParameters *facts, const AVPacket *packet);

#endif
