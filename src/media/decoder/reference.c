#include "media/decoder/reference.h"

typedef struct bytes {
    const uint8_t *at, *end;
} bytes;

/* ---- NAL units -------------------------------------------------------------------------------*/

/* Bytes of the length field in front of each NAL unit; 0 where start codes separate them. */
static int length_bytes(const AVCodecParameters *facts)
{
    const uint8_t *extra = facts->extradata;
    if (extra == NULL || extra[0] != 1) return 0; /* avcC and hvcC begin with version 1 */
    if (facts->codec_id == AV_CODEC_ID_H264)
        return facts->extradata_size > 4 ? (extra[4] & 3) + 1 : 0;
    return facts->extradata_size > 21 ? (extra[21] & 3) + 1 : 0;
}

/* The next unit behind a length field, at least one byte; 0 at the end or where lengths lie. */
static int next_by_length(bytes *rest, int field, bytes *unit)
{
    while (rest->end - rest->at > field) {
        uint32_t length = 0;
        for (int i = 0; i < field; i++) length = length << 8 | *rest->at++;
        if (length > (uint64_t)(rest->end - rest->at)) return 0;
        *unit = (bytes){rest->at, rest->at + length};
        rest->at += length;
        if (length > 0) return 1;
    }
    return 0;
}

/* The bytes behind the next 00 00 01; the unit's end is not looked for. */
static int next_by_start_code(bytes *rest, bytes *unit)
{
    for (; rest->end - rest->at > 3; rest->at++) {
        if (rest->at[0] != 0 || rest->at[1] != 0 || rest->at[2] != 1) continue;
        rest->at += 3;
        *unit = (bytes){rest->at, rest->end};
        return 1;
    }
    return 0;
}

/* What one NAL unit says: 1 a slice nobody refers to, 0 a slice others may refer to, -1 no slice.
 */
static int h264_unit(const uint8_t *unit)
{
    int type = unit[0] & 31;
    if (type < 1 || type > 5) return -1;
    return (unit[0] >> 5 & 3) == 0;
}

static int hevc_unit(const uint8_t *unit)
{
    int type = unit[0] >> 1 & 63;
    if (type > 31) return -1;
    return type < 16 && type % 2 == 0;
}

static int nal_is_disposable(const AVCodecParameters *facts, bytes rest)
{
    int hevc = facts->codec_id == AV_CODEC_ID_HEVC, field = length_bytes(facts), slices = 0;
    /* Higher temporal sub-layers may refer to such pictures of lower ones: only hvcC says that
     * there is one sub-layer. */
    if (hevc && (field == 0 || (facts->extradata[21] >> 3 & 7) > 1)) return 0;
    bytes unit;
    while (field > 0 ? next_by_length(&rest, field, &unit) : next_by_start_code(&rest, &unit)) {
        int said = hevc ? hevc_unit(unit.at) : h264_unit(unit.at);
        if (said == 0) return 0;
        slices += said > 0;
    }
    return slices > 0;
}

/* ---- MPEG ------------------------------------------------------------------------------------*/

/* The two bytes behind the first start code 00 00 01 `code`, or -1. */
static int behind_start_code(bytes rest, int code)
{
    bytes unit;
    while (next_by_start_code(&rest, &unit)) {
        if (unit.at[0] == code && unit.end - unit.at > 2) return unit.at[1] << 8 | unit.at[2];
    }
    return -1;
}

int pp_packet_is_disposable(const AVCodecParameters *facts, const AVPacket *packet)
{
    if (packet->flags & AV_PKT_FLAG_DISPOSABLE) return 1;
    if (packet->flags & AV_PKT_FLAG_KEY || packet->data == NULL || packet->size < 4) return 0;
    bytes all = {packet->data, packet->data + packet->size};
    int head;
    switch (facts->codec_id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
        return nal_is_disposable(facts, all);
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
        head = behind_start_code(all, 0x00);
        return head >= 0 && (head >> 3 & 7) == 3; /* B */
    case AV_CODEC_ID_MPEG4:
        head = behind_start_code(all, 0xb6);
        return head >= 0 && head >> 14 == 2; /* B */
    default:
        return 0;
    }
}
