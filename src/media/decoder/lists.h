/* What a worker will read at all: FFmpeg's names, comma-separated, as its *_whitelist want them. */
#ifndef PP_MEDIA_DECODER_LISTS_H
#define PP_MEDIA_DECODER_LISTS_H

/* Containers that carry sound and pictures in one file. None that names other files or addresses
 * (concat, hls, dash, sdp, image sequences), none that makes media itself (lavfi), no devices. */
extern const char pp_containers[];

/* Decoders of sound and pictures. None of subtitles, none that need hardware. */
extern const char pp_codecs[];

#endif
