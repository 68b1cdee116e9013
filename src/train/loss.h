/* The loss of a predicted mask against its target, and its gradient by the logits.
 *
 * Every bin has a weight; BCE works on the logits directly. NETWORKS.md, "Training". Pure
 * functions; any number of threads.
 */
#ifndef PP_TRAIN_LOSS_H
#define PP_TRAIN_LOSS_H

typedef enum pp_train_loss { PP_TRAIN_BCE, PP_TRAIN_L1, PP_TRAIN_L2 } pp_train_loss;

/* Sum over `count` bins of weight times BCE(sigmoid(logit), target), |sigmoid(logit) - target| or
 * its square. Where `gradient` is not NULL it gets d(sum)/d(logit) times `factor`; it may be
 * `logits` itself. */
double pp_train_mask_loss(pp_train_loss kind, const float *logits, const float *target,
                          const float *weight, long count, float factor, float *gradient);

/* mask = sigmoid(logit); in place allowed. */
void pp_train_sigmoid(const float *logits, long count, float *mask);

/* Sum of `count` floats in a fixed order, in double precision. */
double pp_train_sum(const float *values, long count);

#endif
