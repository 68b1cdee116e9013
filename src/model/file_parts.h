/* Shared by the two files of model/file.h. Private to src/model. */
#ifndef PP_MODEL_FILE_PARTS_H
#define PP_MODEL_FILE_PARTS_H

#include "model/file.h"

const char *pp_model_network_name(pp_network_id id); /* also its group in the file */
pp_status pp_model_check_shape(const pp_model_shape *shape, pp_error *err);
/* The networks fit; components and grid are filled in. Shapes are enough. */
pp_status pp_model_file_check(pp_model_file *file, pp_error *err);
/* h5 NULL: from the values in memory. */
pp_status pp_model_compare_digests(const pp_model_file *file, pp_h5 *h5, pp_error *err);

#endif
