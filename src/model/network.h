/* The two convolutional networks built from the names and shapes of their tensors: a graph for the
 * kernels, and for each operation where its weights come from.
 *
 * Audio: a U-Net of any depth and width ("unet_block...", bn0). Video: a ResNet of basic blocks
 * without pooling and classifier, its last layers dilated instead of strided, and a head ("features
 * .N...", "fc"). Names and meaning as in the code of Zhao et al. 2018; ResNet after He et al. 2016.
 * BatchNorm (eps 1e-5, running statistics) is folded into the convolution before it, in double.
 */
#ifndef PP_MODEL_NETWORK_H
#define PP_MODEL_NETWORK_H

#include "model/tensors.h"
#include "nn/graph.h"

/* The tensors of one operation; its convolution's weight is the op's name. */
typedef struct pp_recipe {
    char bias[PP_TENSOR_MOST_NAME]; /* "": none */
    char norm[PP_TENSOR_MOST_NAME]; /* BatchNorm without its ".weight"; "": none */
} pp_recipe;

typedef struct pp_network {
    pp_graph *graph;
    pp_recipe *recipes; /* [graph->op_count] */
    size_t recipe_capacity;
    size_t used; /* tensors that belong to the network */
    int levels;  /* U-Net: levels; video: 0 */
    int blocks;  /* video: basic blocks; U-Net: 0 */
} pp_network;

/* rows, columns: the input's, both divisible by 2^levels. Shapes are enough; a failure names the
 * tensor that is missing, left over or of the wrong shape. Destroy in every case. */
pp_status pp_network_unet(pp_network *out, const pp_tensors *tensors, int rows, int columns,
                          pp_error *err) PP_MUST_USE;
/* size: of the square picture. output_stride: 32 (no layer dilated), 16 (the last) or 8 (the last
 * two). */
pp_status pp_network_trunk(pp_network *out, const pp_tensors *tensors, int size, int output_stride,
                           pp_error *err) PP_MUST_USE;
void pp_network_clear(pp_network *network);

/* The tensors that operation `op` needs: at most 6 names; returns how many. */
int pp_network_names(const pp_network *network, int op, char names[6][PP_TENSOR_MOST_NAME]);
/* Writes the operation's weight [pp_op_weights] and bias [out.channels], BatchNorm folded in, from
 * tensors with values. */
void pp_network_fold(const pp_network *network, int op, const pp_tensors *tensors, float *weight,
                     float *bias);
/* y = x * scale + shift of a one-channel BatchNorm (the U-Net's bn0). */
void pp_network_norm(const pp_tensors *tensors, const char *name, float *scale, float *shift);

/* For the two builders: appends op (out.tensor -1: a new tensor of the right size) with its recipe;
 * `norm` and `bias` may be NULL. Checks the weight's shape. *tensor (may be NULL): what it writes.
 */
pp_status pp_network_add(pp_network *network, const pp_tensors *tensors, pp_op op, const char *norm,
                         const char *bias, int *tensor, pp_error *err) PP_MUST_USE;
/* The last word of both builders: every tensor of the list belongs, the graph fits. */
pp_status pp_network_finish(pp_network *network, const pp_tensors *tensors,
                            pp_error *err) PP_MUST_USE;

#endif
