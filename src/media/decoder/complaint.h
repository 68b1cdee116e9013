/* FFmpeg's last complaint, kept for the reason of a failure instead of going to standard error. */
#ifndef PP_MEDIA_DECODER_COMPLAINT_H
#define PP_MEDIA_DECODER_COMPLAINT_H

/* Routes FFmpeg's log here (its callback takes no user pointer: this is the log's global state). */
void pp_complaint_listen(void);

/* The last error line, without line end; "" where there was none. Borrowed. */
const char *pp_complaint_last(void);
void pp_complaint_forget(void);

#endif
